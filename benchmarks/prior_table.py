"""The table of fine-tuning curves that the prior is fitted on, reduced to what the fit and its check need.

Source: the extended meta-dataset of Quick-Tune (rapanti/quicktune, BSD 3-Clause, copyright 2024 rapanti; Arango et al.,
"Quick-Tune: Quickly Learning Which Pretrained Model to Finetune and How", ICLR 2024); licence in search/prior.LICENSE.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search.networks import known_networks
from trainable.files import read_npz, write_npz

EPOCHS = 50
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 25, 32, 50)  # epochs at which a first rung, or one that follows it, may lie
TAGS = {  # names of then -> names of now
    "convnext_small_384_in22ft1k": "convnext_small.fb_in22k_ft_in1k_384",
    "deit3_small_patch16_384_in21ft1k": "deit3_small_patch16_384.fb_in22k_ft_in1k",
    "swinv2_base_window12to24_192to384_22kft1k": "swinv2_base_window12to24_192to384.ms_in22k_ft_in1k",
    **{f"tf_efficientnet_b{n}_ns": f"tf_efficientnet_b{n}.ns_jft_in1k" for n in (4, 6, 7)},
    **{f"xcit_{x}_p8_384_dist": f"xcit_{x}_p8_384.fb_dist_in1k" for x in ("nano_12", "small_12", "tiny_12", "tiny_24")},
}
FAMILIES = ("beit", "convnext", "deit3", "dla", "edgenext", "mobilevit", "swinv2", "tf_efficientnet", "volo", "xcit")
NETWORK = "cat:model:"
LEFT_OUT = ("linear_probing", "auto_augment", "ra_", "opt_betas", "warmup_lr", "decay_", "patience", "amp", "momentum")


@dataclass(frozen=True)
class Table:
    """N curves. codes [N, S]: which of `levels` [S, L] a setting has; network, data_set [N]: numbers into the names.

    value [N]: best accuracy of the curve, per cent.
    scores [N, len(STEPS)]: what a rung ranks by, the mean of the two best epochs so far. length [N]: epochs.
    """

    codes: NDArray[np.uint8]
    levels: NDArray[np.float32]
    setting_names: NDArray[np.str_]
    network: NDArray[np.int8]
    networks: NDArray[np.str_]
    data_set: NDArray[np.int8]
    data_sets: NDArray[np.str_]
    value: NDArray[np.float32]
    scores: NDArray[np.float16]
    length: NDArray[np.uint8]

    @classmethod
    def reduce(cls, path: Path) -> Self:
        """From the whole file, without the rows of linear probing, which are constant."""
        held = read_npz(path)
        names = [str(name) for name in held["setting_names"]]
        rows = held["settings"][:, names.index("linear_probing")] == 0
        curves, settings = held["accuracy"][rows], held["settings"][rows]
        ours = [i for i, name in enumerate(names) if name.startswith(NETWORK)]
        kept = [i for i, n in enumerate(names) if i not in ours and not n.removeprefix("cat:").startswith(LEFT_OUT)]
        networks = [names[i].removeprefix(NETWORK) for i in ours]
        found = [np.unique(settings[:, i], return_inverse=True) for i in kept]
        width = max(len(values) for values, _ in found)
        return cls(
            np.stack([codes for _, codes in found], axis=1).astype(np.uint8),
            np.stack([np.pad(values, (0, width - len(values))) for values, _ in found]),
            np.array([names[i] for i in kept]),
            settings[:, ours].argmax(axis=1).astype(np.int8),
            np.array([TAGS.get(name, name) for name in networks]),
            held["data_set"][rows].astype(np.int8),
            held["data_sets"],
            np.nanmax(curves, axis=1),
            np.array([[_two_best(curve[:step]) for step in STEPS] for curve in curves], np.float16),
            np.isfinite(curves).sum(axis=1).astype(np.uint8),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**read_npz(path))

    def write(self, path: Path) -> None:
        write_npz(path, **vars(self))

    @cached_property
    def rows(self) -> list[NDArray[np.int64]]:
        """The curves of each data set."""
        return [np.flatnonzero(self.data_set == i) for i in range(len(self.data_sets))]

    @cached_property
    def family(self) -> NDArray[np.int64]:
        """The number in FAMILIES of each curve's network."""
        of_network = [next(i for i, f in enumerate(FAMILIES) if n.startswith(f)) for n in self.networks]
        return np.array(of_network)[self.network]

    @cached_property
    def numbers(self) -> dict[str, NDArray[np.float64]]:
        """What the prior sees of every curve, named as in search.prior and search.networks, and `extras`."""
        facts = [known_networks()[str(name)].properties() for name in self.networks]
        properties = {name: np.array([f[name] for f in facts])[self.network] for name in facts[0]}
        return properties | self._settings() | self.extras

    @cached_property
    def extras(self) -> dict[str, NDArray[np.float64]]:
        """What the curves varied and a TrialConfig cannot: they explain, and stay behind."""
        names = ("bss_reg", "delta_reg", "sp_reg")
        logs = {name: np.log10(self._of(name) + 1e-5) for name in names}
        return {**logs, "cotuning_reg": self._of("cotuning_reg"), "stoch_norm": self._of("stoch_norm")}

    def _settings(self) -> dict[str, NDArray[np.float64]]:
        of = self._of
        mixup, cutmix, decay = of("mixup") > 0, of("cutmix") > 0, of("layer_decay")
        found: dict[str, Any] = {
            "lr": np.log10(of("lr")) + 3.5,
            "batch_size": np.log2(of("batch_size")) - 4,
            "sgd": of("cat:opt:sgd") + of("cat:opt:momentum"),
            "adam": of("cat:opt:adam"),
            "layer_decay": -3 * np.log(np.where(decay > 0, decay, 1)),
            "freeze": of("pct_to_freeze"),
            "dropout": 5 * of("drop"),
            "weight_decay": np.log10(of("weight_decay") + 1e-5) / 2 + 1.5,
            "mixing": of("mixup_prob") * (mixup | cutmix),
            "mixup": mixup,
            "cutmix": cutmix,
            "smoothing": 10 * of("smoothing"),
            "warmup": of("warmup_epochs") / 10,
            "cosine": of("cat:sched:cosine"),
            "stepped": of("cat:sched:step") + of("cat:sched:multistep"),
            "clipping": of("clip_grad") == 1,
            "augmentation": 1 - of("cat:data_augmentation:None"),
        }
        return {name: np.asarray(values, np.float64) for name, values in found.items()}

    def _of(self, name: str) -> NDArray[np.float64]:
        column = [*self.setting_names].index(name)
        return self.levels[column][self.codes[:, column]].astype(np.float64)


def _two_best(curve: NDArray[np.float32]) -> float:
    return float(np.mean(np.sort(curve[np.isfinite(curve)])[-2:]))
