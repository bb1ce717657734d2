"""Backbones, their weights and the scale of pixels."""

import time
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from trainable.errors import InputError
from trainable.models.build import build_model
from trainable.models.normalise import normalise, pixel_statistics
from trainable.models.weights import find_weights, resolve_weights

OWN = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "test_vit"])
def test_network_takes_the_size_it_was_built_for(backbone: str) -> None:
    model = build_model(backbone, classes=18, size=(48, 32)).eval()
    assert model(torch.zeros(2, 3, 48, 32)).shape == (2, 18)


@pytest.mark.parametrize(("backbone", "blocks"), [("convnext_atto.d2_in1k", 12), ("test_vit.r160_in1k", 6)])
def test_drop_path_rises_over_the_blocks(backbone: str, blocks: int) -> None:
    """timm's rule; a tag changes nothing of the network itself."""
    model = build_model(backbone, classes=3, size=(64, 64), drop_path=0.3)
    rates = {m.drop_prob for m in model.modules() if type(m).__name__ == "DropPath"}
    assert max(rates) == pytest.approx(0.3)
    assert sorted(rates) == pytest.approx(list(np.linspace(0, 0.3, blocks)[1:]))
    plain = build_model(backbone.split(".")[0], classes=3, size=(64, 64))
    assert model.state_dict().keys() == plain.state_dict().keys()


def test_network_without_drop_path_refuses_it() -> None:
    with pytest.raises(InputError, match=r"backbone vgg11: received drop_path 0\.2"):
        build_model("vgg11", classes=3, size=(64, 64), drop_path=0.2)


def test_weights_are_looked_for_under_the_name_with_its_tag(tmp_path: Path) -> None:
    file = tmp_path / "test_resnet.r160_in1k.safetensors"
    file.touch()
    assert find_weights("test_resnet.r160_in1k", tmp_path) == file
    assert find_weights("test_resnet", tmp_path) is None


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(5)
    save_file(timm.create_model("test_resnet").state_dict(), folder / "test_resnet.safetensors")
    return folder


def test_weights_of_a_folder_are_found_and_loaded(weights: Path) -> None:
    found = resolve_weights(["test_resnet"], weights)
    assert found == {"test_resnet": str(weights / "test_resnet.safetensors")}
    torch.manual_seed(0)
    model = build_model("test_resnet", classes=3, size=(32, 32), weights=Path(found["test_resnet"]))
    torch.manual_seed(5)
    given = timm.create_model("test_resnet").state_dict()
    for name, value in model.state_dict().items():
        assert "fc" in name or torch.equal(value, given[name]), name


def test_missing_weights_are_all_named_with_what_to_do(weights: Path) -> None:
    with pytest.raises(InputError) as refusal:
        resolve_weights(["test_resnet", "resnet18", "resnet34"], weights)
    text = str(refusal.value)
    assert "missing resnet18.safetensors (hub timm/resnet18" in text
    assert "resnet34.safetensors" in text
    assert "test_resnet.safetensors" not in text
    assert "--weights DIR" in text
    assert "pretrained: false" in text


def test_without_a_network_the_hub_is_not_asked() -> None:
    assert find_weights("resnet18", None) is None
    assert find_weights("resnet18", None, download=False) is None


def test_pixels_are_scaled_by_their_statistics() -> None:
    images = torch.randint(0, 256, (2, 5, 4, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    statistics = pixel_statistics("test_resnet", "dataset", OWN)
    expected = (images.numpy() / 255 - np.array(OWN[0])) / np.array(OWN[1])
    scaled = normalise(images, statistics)
    assert scaled.shape == (2, 3, 5, 4)
    assert scaled.permute(0, 2, 3, 1).numpy() == pytest.approx(expected, abs=1e-5)
    assert pixel_statistics("vit_base_patch16_224", "backbone", OWN).tolist() == [[0.5] * 3] * 2
    assert pixel_statistics("test_vit", "imagenet", OWN)[0].tolist() == pytest.approx([0.485, 0.456, 0.406])


def test_hub_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at port 9: no retries, and no question for each of the files."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("the hub's library was asked"))
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"resnet18.*resnet34.*resnet50"):
        resolve_weights(["resnet18", "resnet34", "resnet50"], None)
    assert time.monotonic() - begun < 6
