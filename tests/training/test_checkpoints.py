"""Tests of checkpoints: what is saved comes back to the last bit, and a full disk costs nothing but the last epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mentum.errors import RunError
from mentum.training.checkpoints import (
    load_tensors,
    optimizer_tensors,
    part,
    restore_optimizer,
    save_tensors,
    with_prefix,
)
from support.full_disk import full_disk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stage2" / "tree.checkpoint"


def test_tensors_and_facts_come_back(file: Path) -> None:
    tensors = {"a": torch.randn(3, 4), "b.c": torch.tensor(7), "d": torch.tensor([torch.inf, 1e-45])}
    facts = {"history": [{"epoch": 1, "loss": 0.1 + 0.2, "validation_loss": None}]}

    save_tensors(file, tensors, facts)

    found, told = load_tensors(file)
    assert told == facts
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("value", [-torch.inf, torch.nan])
def test_weights_that_are_no_numbers_are_refused(file: Path, value: float) -> None:
    save_tensors(file, {"a": torch.ones(2), "d": torch.tensor([1.0, value])})
    with pytest.raises(RunError, match=r"found weights in d that are no numbers\); train again"):
        load_tensors(file)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_changed_byte_of_any_tensor_is_noticed(file: Path, share: float) -> None:
    save_tensors(file, {"a": torch.zeros(50), "b": torch.zeros(50, dtype=torch.bfloat16), "c": torch.ones(60) > 0})
    content = bytearray(file.read_bytes())
    begin = int.from_bytes(content[:8], "little") + 8
    content[begin + round(share * (len(content) - begin - 1))] ^= 1
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"its checksum does not fit what it holds\); train again"):
        load_tensors(file)


def test_changed_facts_are_noticed_and_a_file_without_checksum_is_read(file: Path) -> None:
    file.parent.mkdir()
    save_file({"a": torch.ones(1)}, file.with_name("old"), metadata={"facts": '{"epoch": 1}'})
    assert load_tensors(file.with_name("old"))[1] == {"epoch": 1}
    save_tensors(file, {"a": torch.ones(1)}, {"history": [{"loss": 0.25}]})
    file.write_bytes(file.read_bytes().replace(b"0.25", b"0.35"))
    with pytest.raises(RunError, match="checksum does not fit"):
        load_tensors(file)


def test_tensors_that_share_memory_or_lie_scattered_are_saved(file: Path) -> None:
    whole = torch.randn(4, 4)
    save_tensors(file, {"whole": whole, "same": whole, "turned": whole.T, "row": whole[1]})
    assert torch.equal(load_tensors(file)[0]["turned"], whole.T)


def test_prefixes_part_and_join() -> None:
    tensors = {"network.a": torch.zeros(1), "optimizer.0.step": torch.ones(1)}
    assert part(tensors, "network.") == {"a": tensors["network.a"]}
    assert with_prefix({"a": tensors["network.a"]}, "network.") == {"network.a": tensors["network.a"]}


def steps(layer: nn.Linear, optimizer: torch.optim.Optimizer, seeds: range) -> list[Tensor]:
    """Weights after some steps of learning."""
    for seed in seeds:
        optimizer.zero_grad()
        layer(torch.randn(8, 3, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in layer.parameters()]


def test_an_optimizer_goes_on_as_if_never_interrupted(file: Path) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.05)
    steps(layer, optimizer, range(5))
    save_tensors(file, with_prefix(layer.state_dict(), "network.") | optimizer_tensors(optimizer))
    unbroken = steps(layer, optimizer, range(5, 9))

    fresh = nn.Linear(3, 2)
    other = torch.optim.AdamW(fresh.parameters(), lr=0.05)
    tensors, _ = load_tensors(file)
    fresh.load_state_dict(part(tensors, "network."))
    restore_optimizer(other, tensors)

    resumed = steps(fresh, other, range(5, 9))
    assert all(torch.equal(one, two) for one, two in zip(unbroken, resumed, strict=True))


def test_a_new_optimizer_has_nothing_to_save() -> None:
    assert optimizer_tensors(torch.optim.AdamW([nn.Parameter(torch.ones(1))])) == {}


@pytest.mark.parametrize("takes", [0, 50_000])
def test_a_full_disk_leaves_the_earlier_state(file: Path, takes: int) -> None:
    save_tensors(file, {"a": torch.ones(50_000)}, {"epoch": 1})

    with (
        full_disk(takes),
        pytest.raises(OSError, match=r"File too large: '.*tree.checkpoint'"),
    ):
        save_tensors(file, {"a": torch.zeros(50_000)}, {"epoch": 2})

    assert load_tensors(file)[1] == {"epoch": 1}
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        save_tensors(tmp_path / "file" / "tree.checkpoint", {"a": torch.ones(1)})


@pytest.mark.parametrize("damage", ["missing", "empty", "cut short", "something else"])
def test_a_damaged_checkpoint(file: Path, damage: str) -> None:
    save_tensors(file, {"a": torch.ones(100)})
    content = {"empty": b"", "cut short": file.read_bytes()[:-10], "something else": b"GIF89a" * 50}
    file.unlink() if damage == "missing" else file.write_bytes(content[damage])
    with pytest.raises(RunError, match=r"tree.checkpoint: cannot be read \(.*\); train again into a new folder"):
        load_tensors(file)
