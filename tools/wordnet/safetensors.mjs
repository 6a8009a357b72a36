// The safetensors file format, as far as one half-precision matrix needs it:
// header length (8 bytes, little-endian), JSON header, numbers row by row.

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The IEEE half-precision bits nearest to a number of modest size, ties to even. */
export function toHalf(value) {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const exponent = Math.max(((bits[0] >>> 23) & 0xff) - 127, -14); // below -14 the halves are subnormal
  const steps = Math.abs(float[0]) / 2 ** (exponent - 10); // 1024 to 2048 for a normal half
  const down = Math.floor(steps);
  const rest = steps - down;
  const rounded = rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
  return sign | (((exponent + 14) << 10) + rounded); // a carry moves into the exponent, as it should
}

/** The number that half-precision bits stand for. */
export function fromHalf(half) {
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? (half & 0x8000 ? -Infinity : Infinity) : NaN;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -size : size;
}

/** Lays out one matrix, given as rows of numbers, as a safetensors file in half precision. */
export function writeMatrix(name, rows, metadata) {
  const width = rows[0].length;
  const size = rows.length * width * 2;
  const tensor = { dtype: "F16", shape: [rows.length, width], data_offsets: [0, size] };
  const json = JSON.stringify({ __metadata__: metadata, [name]: tensor });
  const headerSize = Math.ceil((8 + Buffer.byteLength(json)) / 64) * 64 - 8; // so that the numbers start at a multiple of 64
  const file = Buffer.alloc(8 + headerSize + size, " ");
  file.writeBigUInt64LE(BigInt(headerSize), 0);
  file.write(json, 8);
  rows.forEach((row, i) => row.forEach((value, j) => file.writeUInt16LE(toHalf(value), 8 + headerSize + 2 * (i * width + j))));
  return file;
}

/** Reads the half-precision matrix of that name: its rows as ordinary numbers, and the file's metadata. */
export function readMatrix(name, file) {
  const headerSize = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerSize));
  const { dtype, shape: [count, width], data_offsets: [begin, end] } = header[name];
  if (dtype !== "F16" || begin !== 0 || end !== count * width * 2 || file.length !== 8 + headerSize + end)
    throw new Error(`Header and data of tensor '${name}' do not agree.`);
  const rows = Array.from({ length: count }, (_, i) =>
    Float32Array.from({ length: width }, (_, j) => fromHalf(file.readUInt16LE(8 + headerSize + 2 * (i * width + j)))));
  return { rows, metadata: header.__metadata__, dataStart: 8 + headerSize };
}
