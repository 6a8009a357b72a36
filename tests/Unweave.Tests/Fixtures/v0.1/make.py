#!/usr/bin/env python3
"""Makes the files beside it with a build of version 0.1: python3 tests/Unweave.Tests/Fixtures/v0.1/make.py PATH/TO/unweave

Later versions have to read them, so they are never made again with a later build. Run it in the repository's folder: the files name
their data and their model by paths from there (and the tokenizer by its whole path). Python's own library is enough.
"""
import hashlib, json, os, pathlib, random, shutil, signal, struct, subprocess, sys

UNWEAVE = os.path.abspath(sys.argv[1])
HERE = pathlib.Path("tests/Unweave.Tests/Fixtures/v0.1")
CUT, STEPS, BATCH = 40, 200, 64
COMMON = dict(
    tokens=STEPS * BATCH, batch=BATCH, learningRate=3e-3, validation=0.1, validateEvery=10, checkpointSteps=CUT,
    checkpointMinutes=0, seed=7)
NEVER = 1_000_000
RUNS = {
    "topk": dict(COMMON, deadAfter=NEVER, gradientClip=2, autoencoder=dict(architecture="topk", latents=32, k=4, auxK=4, multiK=16)),
    # Has dead latents in every step from the fourth batch on, so AuxK's loss is never 0.
    "topk-dead": dict(COMMON, deadAfter=4 * BATCH, learningRate=1e-3, autoencoder=dict(architecture="topk", latents=64, k=1, auxK=8)),
    "relu": dict(COMMON, deadAfter=4 * BATCH, resampleEvery=12 * BATCH, sparsityWarmupFraction=0.3,
        autoencoder=dict(architecture="relu", latents=32, l1Coefficient=2)),
    "relu-unit": dict(COMMON, inputScaling="none", autoencoder=dict(architecture="relu", latents=32, l1Coefficient=0.5, unitDecoder=True)),
    "kl": dict(COMMON, deadAfter=NEVER, autoencoder=dict(architecture="kl", latents=32, meanEstimate="running", targetActivation=0.1)),
    "undercomplete": dict(COMMON, patience=1000,
        autoencoder=dict(architecture="undercomplete", bottleneck=4, hidden=[10], noise=0.3, masking=0.1)),
    "variational": dict(COMMON, warmupSteps=10, beta1=0.8, beta2=0.99, epsilon=1e-8,
        autoencoder=dict(architecture="variational", bottleneck=3, hidden=[10], activation="relu")),
}

# What a build computes depends on the processor's instructions: the hashes are kept for each set that the checks switch on.
SETS = {
    "avx512": {},
    "avx2": {"DOTNET_EnableAVX512": "0"},
    "portable": {"DOTNET_EnableAVX2": "0"},
    "scalar": {"DOTNET_EnableHWIntrinsic": "0"},
}

TEXTS = [
    "The sea was calm in the morning, and the fishing boats left the harbor before the sun was up.",
    "She opened the window. The garden smelled of rain, and a blackbird sang on the wall.",
    "In 1848 the council voted for a new bridge, which was to cross the river near the old mill.",
    "Iron rusts when it meets water and air; paint keeps both away from the metal.",
    "He counted the coins again: two were missing, and the door had been open all night.",
    "The train from the north arrives at seven, unless there is snow in the mountains.",
    "A court may hear the appeal if the first judge did not consider all of the evidence.",
    "Bread needs flour, water, salt and time. The rest is patience and a hot oven.",
]


def unweave(*arguments, environment=None, output=None):
    result = subprocess.run([UNWEAVE, *map(str, arguments)], env=os.environ | (environment or {}), capture_output=True)
    if result.returncode != 0: sys.exit(f"unweave {' '.join(map(str, arguments))}: {result.stderr.decode()}")
    if output: output.write_bytes(result.stdout)


def vectors(path, rows, width=12, features=24):
    rng = random.Random(1)
    directions = [[rng.gauss(0, 1) for _ in range(width)] for _ in range(features)]
    values = []
    for _ in range(rows):
        row = [0.3 * i / width + 0.05 * rng.gauss(0, 1) for i in range(width)]
        for feature in rng.sample(range(features), 3):
            strength = abs(rng.gauss(0, 1)) + 0.5
            row = [x + strength * d for x, d in zip(row, directions[feature])]
        values += row
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}".encode()
    header += b" " * (64 - (11 + len(header)) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(values)}f", *values))


def header_of(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def hashes(folder):
    """SHA-256 of each tensor of an autoencoder, its first 16 digits: a header may get more entries, the numbers stay."""
    header, data = header_of(folder / "autoencoder.safetensors")
    tensors = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    return {name: hashlib.sha256(data[begin:end]).hexdigest()[:16] for name, (begin, end) in sorted(tensors.items())}


def interrupted(name, folder):
    """Kills a run between its first checkpoint and its second."""
    for _ in range(200):
        shutil.rmtree(folder, ignore_errors=True)
        command = [UNWEAVE, "train", "--config", str(HERE / f"{name}.json"), "-o", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (folder / "autoencoder.safetensors").exists(): pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        for left in folder.glob("*.partial-*"): left.unlink()
        if int(header_of(folder / "training.safetensors")[0]["__metadata__"]["step"]) == CUT: return
    sys.exit(f"{name}: no run was caught at its first checkpoint; start again on a quiet machine")


def main():
    vectors(HERE / "vectors.npy", 500)
    for name, settings in RUNS.items():
        run = dict(data=[str(HERE / "vectors.npy")], **settings)
        (HERE / f"{name}.json").write_text(json.dumps(run, indent=2) + "\n")
        interrupted(name, HERE / name)
    (HERE / "few.json").write_text('{ "data": ["vectors.npy"], "autoencoder": { "architecture": "topk" } }\n')

    scratch = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"unweave-fixtures-{os.getpid()}"
    golden = {}
    for kernels, environment in SETS.items():
        golden[kernels] = {"fresh": {}, "resumed": {}}
        for name in RUNS:
            fresh, resumed = scratch / kernels / name / "fresh", scratch / kernels / name / "resumed"
            unweave("train", "--config", HERE / f"{name}.json", "-o", fresh, environment=environment)
            shutil.copytree(HERE / name, resumed)
            unweave("train", "--config", HERE / f"{name}.json", "--resume", "-o", resumed, environment=environment)
            golden[kernels]["fresh"][name], golden[kernels]["resumed"][name] = hashes(fresh), hashes(resumed)
            if kernels == "avx512" and hashes(fresh) != hashes(resumed): sys.exit(f"{name}: resumed is not fresh")
    (HERE / "weights.json").write_text(json.dumps(golden, indent=1) + "\n")

    (HERE / "golden").mkdir(exist_ok=True)
    for name in RUNS:
        finished = scratch / "avx512" / name / "resumed"
        unweave("eval", finished, HERE / "vectors.npy", "--all", "--json", output=HERE / "golden" / f"{name}.eval.json")
        shutil.copy(finished / "autoencoder.safetensors", HERE / "golden" / f"{name}.safetensors")
        if RUNS[name]["autoencoder"]["architecture"] in ("topk", "relu", "kl"):
            unweave("encode", HERE / "vectors.npy", "--sae", finished, "-o", HERE / "golden" / f"{name}.codes.npz")

    # A harvest, a run on it, and all that is made of a run.
    (HERE / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    for folder in ("harvest", "hosted"): shutil.rmtree(HERE / folder, ignore_errors=True)
    texts = ("--text", HERE / "texts.jsonl")
    unweave("harvest", "--model", "models/english-4m", "--hook", "blocks.1", *texts, "--rows-per-shard", 64, "-o", HERE / "harvest")
    hosted = HERE / "hosted"
    unweave("train", HERE / "harvest", "--latents", 32, "--k", 4, "--tokens", 12800, "--batch", 64, "--learning-rate", 0.003, "-o", hosted)
    unweave("features", "build", hosted)
    unweave("features", "mark", hosted, 5, "--label", "the fifth", "--note", "Seen by hand.", "--star", "true", "--add-to", "kept")
    unweave("features", "map", hosted, "--perplexity", 4, "--iterations", 100)
    unweave("eval", hosted, "--text", HERE / "texts.jsonl", "--json", output=HERE / "golden" / "hosted.splice.json")
    (hosted / "eval.json").write_text((HERE / "golden" / "hosted.splice.json").read_text())
    unweave("features", "list", hosted, "--json", output=HERE / "golden" / "hosted.features.json")
    unweave("features", "show", hosted, 5, "--json", output=HERE / "golden" / "hosted.feature-5.json")
    unweave("inspect", hosted, "--json", output=HERE / "golden" / "hosted.inspect.json")
    shutil.rmtree(scratch)


main()
