"""Two processes of a torch.distributed group: the same bits as one, and no hanging when one of them dies."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from photographs import write_cifar10
from torchvision import transforms

from pytest_denorm import Statistics, SweepResult, dataset_statistics, preset, sweep
from pytest_denorm.errors import RankError

RANKS = 2
TESTS, ROOT = Path(__file__).parents[1], Path(__file__).parents[2]
NORMALIZE = transforms.Normalize(preset("imagenet").mean, preset("imagenet").std)

# Each process writes what it got to <out>/<rank>.json. At the end rank 1 dies.
PROGRAM = """
    import json, os, sys
    from photographs import SmallCIFAR10
    from torchvision import transforms
    from pytest_denorm import dataset_statistics, preset, sweep
    from pytest_denorm.errors import RankError

    rank = os.environ["RANK"]

    class Broken(SmallCIFAR10):
        def __getitem__(self, index):
            if index == 61:
                raise OSError("unreadable")
            return super().__getitem__(index)

    class Deadly(SmallCIFAR10):
        def __getitem__(self, index):
            if rank == "1":
                os._exit(9)
            return super().__getitem__(index)

    root, out = sys.argv[1:]
    found = {}

    def write():
        with open(f"{out}/{rank}.json", "w") as file:
            json.dump(found, file)

    def message(dataset):
        try:
            dataset_statistics(dataset, distributed=True, timeout=60)
        except RankError as error:
            return str(error)

    chain = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(preset("imagenet").mean, preset("imagenet").std)]
    )
    found["bytes"] = dataset_statistics(SmallCIFAR10(root), distributed=True).to_dict()
    found["floats"] = dataset_statistics(SmallCIFAR10(root, transform=chain), distributed=True).to_dict()
    found["skipped"] = dataset_statistics(Broken(root), on_error="skip", distributed=True).to_dict()
    found["sweep"] = sweep(SmallCIFAR10(root, transform=chain), distributed=True, state=f"{out}/state").to_dict()
    found["error"] = message(Broken(root))
    write()
    found["death"] = message(Deadly(root))
    write()
"""


# The default group is of a backend that carries no Python objects: nccl, or where there is no GPU torch's own fake.
OTHER_BACKEND = """
    import json, os, sys
    import torch
    import torch.distributed as dist
    import torch.testing._internal.distributed.fake_pg
    from photographs import SmallCIFAR10
    from pytest_denorm import dataset_statistics

    root, out, backend = sys.argv[1:]
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if backend == "nccl":
        torch.cuda.set_device(rank)
    dist.init_process_group(backend, store=dist.FileStore(f"{out}/store", count), rank=rank, world_size=count)
    found = [dataset_statistics(SmallCIFAR10(root), distributed=True).to_dict() for _ in range(2)]
    assert dist.get_backend() == backend
    if backend == "nccl":  # the group that the project made still works on the GPUs
        total = torch.ones(1, dtype=torch.int64, device=f"cuda:{rank}")
        dist.all_reduce(total)
        assert total.item() == count
    with open(f"{out}/{rank}.json", "w") as file:
        json.dump(found, file)
    dist.destroy_process_group()
"""


def start(program, *arguments, ranks=RANKS):
    """`program` in so many processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(ROOT)]),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(ranks),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return [subprocess.Popen(command, env=os.environ | common | {"RANK": str(rank)}) for rank in range(ranks)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar10")
    write_cifar10(folder)
    return folder


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    """The exit codes of the ranks, what each wrote, and the folder."""
    folder = tmp_path_factory.mktemp("run")
    processes = start(PROGRAM, root, folder)
    codes = [process.wait(timeout=180) for process in processes]
    return codes, [json.loads((folder / f"{rank}.json").read_text()) for rank in range(RANKS)], folder


def test_integer_statistics_are_bit_equal_to_one_process(run, root):
    alone = dataset_statistics(write_cifar10(root)(root))
    for written in run[1]:
        assert Statistics.from_dict(written["bytes"]) == alone
        assert written["bytes"] == json.loads(json.dumps(alone.to_dict()))


def test_float_statistics_are_bit_equal_too(run, root):
    dataset = write_cifar10(root)(root, transform=transforms.Compose([transforms.ToTensor(), NORMALIZE]))
    alone = dataset_statistics(dataset)
    assert Statistics.from_dict(run[1][1]["floats"]) == alone


def test_failures_are_counted_over_all_ranks(run):
    for written in run[1]:
        skipped = Statistics.from_dict(written["skipped"])
        assert (skipped.pictures, skipped.failed) == (99, 1)
        assert str(skipped.failures[0]) == "image 61: OSError: unreadable"


def test_a_sweep_is_shared(run, root):
    dataset = write_cifar10(root)(root, transform=transforms.Compose([transforms.ToTensor(), NORMALIZE]))
    alone = sweep(dataset)
    for rank, written in enumerate(run[1]):
        assert SweepResult.from_dict(written["sweep"]) == alone
        assert json.loads((run[2] / f"state.{rank}-of-2").read_text())["done"] == 50


def test_an_error_on_one_rank_is_told_on_all_by_name(run):
    (message,) = {written["error"] for written in run[1]}
    assert message == "rank 0 of 2 failed: DatasetError: image 61: OSError: unreadable"


def test_a_dead_rank_is_named(run):
    codes, (survivor, dead), _ = run
    assert codes == [0, 9]
    assert "death" not in dead
    assert survivor["death"].startswith(
        "rank 0 of 2 could not merge its share: another rank died, or was not heard of for 60 s."
    )
    assert "Ranks 1 failed" in survivor["death"]


@pytest.mark.parametrize("backend", ["fake", "nccl"])
def test_a_group_of_another_backend(backend, root, tmp_path):
    """The sums travel over a gloo group beside it, in the memory of the host, whatever devices there are."""
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if backend == "nccl" and not (devices and torch.distributed.is_nccl_available()):
        pytest.skip("nccl needs a CUDA device for each rank; there is none")
    ranks = min(RANKS, devices) if backend == "nccl" else RANKS
    processes = start(OTHER_BACKEND, root, tmp_path, backend, ranks=ranks)
    assert [process.wait(timeout=180) for process in processes] == [0] * ranks
    alone = dataset_statistics(write_cifar10(root)(root))
    for rank in range(ranks):
        for written in json.loads((tmp_path / f"{rank}.json").read_text()):
            assert Statistics.from_dict(written) == alone


def test_without_torchrun_it_says_how_to_start(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RankError, match=r"RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT not set: start it with torchrun"):
        dataset_statistics([0], distributed=True)
