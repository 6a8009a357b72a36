// Reads a half-precision matrix from a safetensors file: header length (8 bytes, little-endian), JSON header, numbers row by row.

/** The number that half-precision bits stand for. */
function fromHalf(half) {
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? (half & 0x8000 ? -Infinity : Infinity) : NaN;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -size : size;
}

/** Reads the half-precision matrix of that name: its rows as ordinary numbers, and the file's metadata. */
export function readMatrix(name, file) {
  const headerSize = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerSize));
  const { dtype, shape: [count, width], data_offsets: [begin, end] } = header[name];
  if (dtype !== "F16" || begin !== 0 || end !== count * width * 2 || file.length !== 8 + headerSize + end)
    throw new Error(`Header and data of tensor '${name}' do not agree.`);
  const numbers = Float32Array.from({ length: 65536 }, (_, half) => fromHalf(half));
  const rows = Array.from({ length: count }, (_, i) =>
    Float32Array.from({ length: width }, (_, j) => numbers[file.readUInt16LE(8 + headerSize + 2 * (i * width + j))]));
  return { rows, metadata: header.__metadata__, dataStart: 8 + headerSize };
}
