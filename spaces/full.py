"""Every technique of the competition, each a choice; what a choice needs is drawn only where it counts.

Run:     python -m search.run spaces/full.py --data DATA
Expect:  400 trials; days on one GPU, about 10 hours on eight (not measured). `--dry-run` prints the epochs to expect
Why:     ranges are those seen in write-ups and 118 team repositories, a little widened: rates log-uniform, shares
         uniform, strengths small where strong ones hurt (colour and blur hurt age). The first trials are published
         recipes; the first rung lies at an eighth of a fold, since pretrained networks tell early (decision 038)

Left out on purpose: `keep: best` and early stop (the score would be chosen on the rows it is measured on) and the
target (the same for all trials of a run). Choices that need an attribute which the data lack are not drawn, faces and
their background only where photos are of people, turns by 90 degrees only where they are not.
"""

import optuna

from search.space import DataFacts, Search

# Name with the tag of its weights: megabytes an image of 224x224 takes in training (rough, mixed precision), and which
# sizes it takes.
BACKBONES: dict[str, tuple[int, int | str]] = {
    "resnet18.fb_swsl_ig1b_ft_in1k": (25, "free"),
    "resnet34.a1_in1k": (35, "free"),
    "resnet50.fb_swsl_ig1b_ft_in1k": (85, "free"),
    "resnext50_32x4d.fb_swsl_ig1b_ft_in1k": (100, "free"),
    "regnety_032.ra_in1k": (75, "free"),
    "efficientnet_b0.ra_in1k": (70, 224),
    "efficientnet_b2.ra_in1k": (110, 260),
    "efficientnet_b3.ra2_in1k": (150, 300),
    "efficientnet_b4.ra2_in1k": (220, 380),
    "tf_efficientnet_b4.ns_jft_in1k": (220, 380),
    "tf_efficientnetv2_s.in21k_ft_in1k": (110, "free"),
    "eca_nfnet_l0.ra2_in1k": (110, "free"),
    "convnext_tiny.in12k_ft_in1k_384": (100, "free"),
    "convnext_small.in12k_ft_in1k_384": (160, "free"),
    "convnextv2_tiny.fcmae_ft_in22k_in1k": (120, "free"),
    "caformer_s18.sail_in22k_ft_in1k": (130, "free"),
    "swin_tiny_patch4_window7_224.ms_in22k_ft_in1k": (110, "square"),
    "swin_small_patch4_window7_224.ms_in22k_ft_in1k": (170, "square"),
    "tiny_vit_11m_224.dist_in22k_ft_in1k": (110, "square"),
    "tiny_vit_21m_224.dist_in22k_ft_in1k": (150, "square"),
    "deit3_small_patch16_224.fb_in22k_ft_in1k": (60, "square"),
    "vit_small_patch16_224.augreg_in21k_ft_in1k": (60, "square"),
    "vit_small_patch16_dinov3.lvd1689m": (60, "square"),
}
MEMORY = 12_000  # megabytes for activations: half of a 24 GB card, or a card shared by two trials
OLD = "age=>=60"  # rows of people of 60 and over
SIZES = {"224": (224, 224), "256x192": (256, 192), "320x256": (320, 256), "384x288": (384, 288), "384": (384, 384),
         "512x384": (512, 384)}  # fmt: skip
CROPS = {"whole": (1.0, 1.0), "384x384": (0.75, 1.0), "400x256": (0.781, 0.667), "360x360": (0.703, 0.938),
         "350x350": (0.684, 0.911), "320x256": (0.625, 0.667), "300x200": (0.586, 0.521)}  # of 512x384  # fmt: skip
FACES = ("face", "face without background", "whole without background")  # of people, besides CROPS
LIMITS = {"rotate": 15.0, "shift": 0.1, "scale": 0.2, "brightness": 0.3, "contrast": 0.3, "jitter": 0.2, "hue": 0.05}
LIMITS |= {"saturation": 0.2, "lightness": 0.1, "resized_crop": 0.6}
SHARES = {"vflip": 0.5, "clahe": 0.5, "blur": 0.2, "noise": 0.3, "invert": 0.3, "grey": 0.3, "canny": 0.2}
TECHNIQUES = {**LIMITS, **SHARES, "erasing": 0.5}

PLAIN = {"dropout": 0.0, "drop_path": 0.0, "frozen_stages": 0, "crop": "whole", "normalise": "imagenet",
         "init": "random", "batch_norm": "batch", "wise_ft": 1.0,
         "batch_halved": 0, "optimiser": "adamw", "second_optimiser": "none", "head_factor": 1.0, "layer_decay": 1.0,
         "weight_decay": 0.05, "schedule": "cosine", "warmup": 0.1, "clip": 0.0, "ema": 0.0, "accumulate": 1,
         "mix": "none", "sampler": "shuffle", "loss": "cross_entropy", "smoothing": 0.0, "leave_out": 0,
         "f1_in_loss": False, "class_weights": "none", "keep": "last", "tta": "none"}  # fmt: skip
OWN = {"augment": "own", "flip": "all", "holes": 0, "augment_probability": 0.5, "randaugment_operations": 0,
       **{f"use_{name}": False for name in TECHNIQUES}}  # fmt: skip
RECIPES: tuple[dict, ...] = (
    # Liu 2022, arXiv:2201.03545: how ConvNeXt is fine-tuned.
    {**PLAIN, "backbone": "convnext_small.in12k_ft_in1k_384", "size": "224", "lr": 5e-5, "layer_decay": 0.8,
     "drop_path": 0.2, "weight_decay": 1e-6, "smoothing": 0.1, "augment": "light", "tta": "flip"},
    # spaces/recipes/efficientnet_b4_cutmix.py
    {**PLAIN, **OWN, "backbone": "efficientnet_b4.ra2_in1k", "efficientnet_size": "own", "optimiser": "adam",
     "lr": 1e-4, "weight_decay": 1e-6, "schedule": "step", "step_every": 4, "step_factor": 0.5, "warmup": 0.0,
     "use_erasing": True, "erasing": 0.5, "mix": "halves", "mix_probability": 0.6, "mix_partner": "any",
     "mix_ratio": "46-54"},
    # Touvron 2022, arXiv:2204.07118 (DeiT III), from the weights of DINOv3.
    {**PLAIN, "backbone": "vit_small_patch16_dinov3.lvd1689m", "square_size": 224, "lr": 1e-4, "layer_decay": 0.75,
     "drop_path": 0.1, "augment": "light", "mix": "cutmix", "mix_probability": 0.5, "mix_partner": "any",
     "mix_alpha": 1.0, "smoothing": 0.1, "clip": 1.0},
    # spaces/recipes/tiny_vit_focal.py
    {**PLAIN, **OWN, "backbone": "tiny_vit_21m_224.dist_in22k_ft_in1k", "square_size": 224, "frozen_stages": 2,
     "lr": 5e-4, "loss": "focal", "gamma": 3.0},
    # spaces/recipes/resnet50_flip.py
    {**PLAIN, **OWN, "backbone": "resnet50.fb_swsl_ig1b_ft_in1k", "size": "384x288", "optimiser": "adam", "lr": 1e-4,
     "weight_decay": 1e-4, "use_vflip": True, "vflip": 0.5},
)  # fmt: skip
SEARCH = Search(trials=400, folds=5, epochs=12, store_size=(512, 384), startup=40, members=20, first=RECIPES)


def space(trial: optuna.Trial, data: DataFacts) -> dict:
    """Sections are drawn one by one; later ones look at what earlier ones drew."""
    people = {"mask", "gender", "age"} <= set(data.attributes)
    found: dict = {"model": model(trial), "input": image(trial, people)}
    load, sizes = BACKBONES[found["model"]["backbone"]]
    found["input"]["size"] = size(trial, sizes)
    found["batch_size"] = batch_size(trial, load, found["input"]["size"])
    found["optim"] = optim(trial)
    frozen = found["model"]["freeze"] == "body"  # then features are computed once: no image may change
    found["augment"] = {"policy": "none"} if frozen else augment(trial, "age" in data.attributes, people)
    found["mix"] = {} if frozen else mix(trial, "age" in data.attributes)
    found["sampler"], found["loss"] = sampler(trial), loss(trial)
    found |= keep(trial)
    found["tta"] = trial.suggest_categorical("tta", ["none", "flip", "crops"])
    if people:
        found["head"], found["rows"], found["stage"] = head(trial), rows(trial), stage(trial)
    start(trial, found)
    return found


def model(trial: optuna.Trial) -> dict:
    found = {
        "backbone": trial.suggest_categorical("backbone", [*BACKBONES]),
        "drop_rate": trial.suggest_float("dropout", 0.0, 0.4, step=0.1),
        "freeze": trial.suggest_categorical("frozen_stages", [0, 1, 2, "body"]),
    }
    return found if found["freeze"] == "body" else {**found, "drop_path": trial.suggest_float("drop_path", 0.0, 0.3)}


def image(trial: optuna.Trial, people: bool) -> dict:
    """Faces fill a third of photos of people; a face crop scored lower in public and higher in private."""
    crop = trial.suggest_categorical("crop", [*CROPS, *(FACES if people else [])])
    found: dict = {
        "normalise": trial.suggest_categorical("normalise", ["imagenet", "backbone", "dataset"]),
        "background": "removed" if crop.endswith("without background") else "keep",
    }
    if crop.startswith("face"):
        margin = trial.suggest_float("face_margin", 0.1, 0.8)
        return {**found, "region": "face", "margin": margin, "crop": CROPS["320x256"]}
    return {**found, "crop": CROPS[crop.removesuffix(" without background")]}


def size(trial: optuna.Trial, sizes: int | str) -> tuple[int, int]:
    """EfficientNets may also take their own size, transformers only squares that their windows divide."""
    if sizes == "square":
        side = trial.suggest_categorical("square_size", [224, 384])
        return side, side
    own = {"own": (sizes, sizes)} if isinstance(sizes, int) else {}
    name = trial.suggest_categorical("efficientnet_size" if own else "size", [*SIZES, *own])
    return {**SIZES, **own}[name]


def batch_size(trial: optuna.Trial, load: int, size: tuple[int, int]) -> int:
    """The largest power of two that fits, halved up to twice; 8 to 128 were used."""
    fits = MEMORY / (load * size[0] * size[1] / 224**2)
    largest = max(8, min(128, 1 << (int(fits).bit_length() - 1)))
    return max(8, largest >> trial.suggest_int("batch_halved", 0, 2))


def optim(trial: optuna.Trial) -> dict:
    name = trial.suggest_categorical("optimiser", ["adamw", "adam", "radam", "sgd"])
    sgd = name == "sgd"
    lr = trial.suggest_float("sgd_lr", 1e-3, 3e-2, log=True) if sgd else trial.suggest_float("lr", 1e-5, 1e-3, log=True)
    found: dict = {
        "name": name,
        "lr": lr,
        "head_factor": trial.suggest_float("head_factor", 1.0, 60.0, log=True),
        "layer_decay": trial.suggest_float("layer_decay", 0.65, 1.0),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        "schedule": trial.suggest_categorical(
            "schedule", ["cosine", "restarts", "one_cycle", "step", "multistep", "constant"]
        ),
        "clip": trial.suggest_categorical("clip", [0.0, 1.0, 5.0]),
        "ema": trial.suggest_categorical("ema", [0.0, 0.99, 0.999]),
        "accumulate": trial.suggest_categorical("accumulate", [1, 2, 4]),
    }
    second = "none" if sgd else trial.suggest_categorical("second_optimiser", ["none", "sgd"])
    if second == "sgd":
        found |= {
            "second": second,
            "second_share": trial.suggest_float("second_share", 0.2, 0.8),
            "second_lr": trial.suggest_float("second_lr", 1e-3, 3e-2, log=True),
        }
    if sgd or second == "sgd":
        found["momentum"] = trial.suggest_float("momentum", 0.8, 0.95)
    return found | schedule(trial, found["schedule"])


def schedule(trial: optuna.Trial, name: str) -> dict:
    """Step lengths are those of 12 epochs."""
    found: dict = {} if name == "one_cycle" else {"warmup": trial.suggest_float("warmup", 0.0, 0.1)}
    if name == "restarts":
        found["cycles"] = trial.suggest_int("cycles", 2, 4)
        found["cycle_decay"] = trial.suggest_float("cycle_decay", 0.3, 1.0)
    if name == "step":
        found["step_every"] = trial.suggest_int("step_every", 2, 6)
    if name == "multistep":
        cuts = {"half, three quarters": (0.5, 0.75), "two thirds": (0.667,), "thirds": (0.333, 0.667)}
        found["milestones"] = cuts[trial.suggest_categorical("milestones", [*cuts])]
    if name in ("step", "multistep"):
        found["step_factor"] = trial.suggest_float("step_factor", 0.1, 0.9)
    return found


def augment(trial: optuna.Trial, ages: bool, people: bool) -> dict:
    """A preset, or techniques of one's own, each drawn by itself; half of the time a technique is off."""
    policy = trial.suggest_categorical("augment", ["none", "light", "strong", "own"])
    if policy != "own":
        return {"policy": policy}
    found: dict = {"policy": "none"}
    some = [*(["old"] if ages else []), *([] if people else ["all, turned"])]
    flip = trial.suggest_categorical("flip", ["none", "all", *some])
    found |= {} if flip == "none" else {"hflip": 0.5}
    found |= {"hflip_only": OLD} if flip == "old" else {"turn": 1.0} if flip == "all, turned" else {}
    for name, most in TECHNIQUES.items():
        if trial.suggest_categorical(f"use_{name}", [False, True]):
            found[name] = trial.suggest_float(name, most / 4, most)
    holes = trial.suggest_categorical("holes", [0, 1, 4, 8])
    if holes:
        found |= {"holes": holes, "hole_size": trial.suggest_float("hole_size", 0.05, 0.25)}
    found["p"] = trial.suggest_float("augment_probability", 0.2, 0.8)
    ops = trial.suggest_int("randaugment_operations", 0, 3)
    if ops:
        found |= {"rand_ops": ops, "rand_magnitude": trial.suggest_float("randaugment_magnitude", 2.0, 8.0)}
    return found


def mix(trial: optuna.Trial, ages: bool) -> dict:
    """By halves, both parts of a face stay in place: .724 -> .762 in a write-up, with probability .5 to .7."""
    name = trial.suggest_categorical("mix", ["none", "cutmix", "halves", "mixup"])
    if name == "none":
        return {}
    old = ["old"] if ages else []
    found: dict = {"name": name, "p": trial.suggest_float("mix_probability", 0.2, 1.0)}
    if name == "mixup":
        partner = trial.suggest_categorical("mixup_partner", ["any", *old])
    else:
        partner = trial.suggest_categorical("mix_partner", ["any", "same", *old])
    found["partner"] = OLD if partner == "old" else partner
    if name == "halves":
        ratios = {"46-54": (0.46, 0.54), "half": (0.5, 0.5), "30-70": (0.3, 0.7)}
        return {**found, "ratio": ratios[trial.suggest_categorical("mix_ratio", [*ratios])]}
    return {**found, "alpha": trial.suggest_float("mix_alpha", 0.2, 2.0, log=True)}


def sampler(trial: optuna.Trial) -> dict:
    name = trial.suggest_categorical("sampler", ["shuffle", "weighted", "effective", "balanced"])
    if name == "weighted":
        return {"name": name, "power": trial.suggest_float("sampler_power", 0.0, 1.0)}
    if name == "effective":
        return {"name": name, "beta": trial.suggest_categorical("sampler_beta", [0.99, 0.999, 0.9999])}
    return {"name": name}


def loss(trial: optuna.Trial) -> dict:
    """Two write-ups found focal and F1 disappointing, a winner used F1: mixtures lie between."""
    found: dict = {
        "name": trial.suggest_categorical("loss", ["cross_entropy", "focal", "soft_f1"]),
        "smoothing": trial.suggest_float("smoothing", 0.0, 0.2),
    }
    if found["name"] == "focal":
        found["gamma"] = trial.suggest_float("gamma", 0.5, 5.0)
    if found["name"] == "soft_f1":
        return found
    found["leave_out"] = trial.suggest_categorical("leave_out", [0, 1])
    if trial.suggest_categorical("f1_in_loss", [False, True]):
        found["f1_weight"] = trial.suggest_float("f1_weight", 0.1, 0.9)
    found["class_weights"] = trial.suggest_categorical("class_weights", ["none", "power", "effective"])
    if found["class_weights"] == "power":
        found["weight_power"] = trial.suggest_float("class_weight_power", 0.1, 1.0)
    if found["class_weights"] == "effective":
        found["weight_beta"] = trial.suggest_categorical("class_weight_beta", [0.99, 0.999, 0.9999])
    return found


def keep(trial: optuna.Trial) -> dict:
    """The last epoch's weights, or the mean of the last epochs'; the best epoch's would flatter the score."""
    name = trial.suggest_categorical("keep", ["last", "soup"])
    return {"keep": name, "soup_share": trial.suggest_float("soup_share", 0.1, 0.5)} if name == "soup" else {}


def head(trial: optuna.Trial) -> dict:
    """Three heads share a body; age is the hardest of the three, so its weight may grow most."""
    name = trial.suggest_categorical("head", ["joint", "attributes"])
    if name == "joint":
        return {}
    return {
        "name": name,
        "ordinal": ["age"] if trial.suggest_categorical("age_head", ["classes", "ordinal"]) == "ordinal" else [],
        "weights": {
            "mask": trial.suggest_float("mask_weight", 0.3, 1.0),
            "gender": trial.suggest_float("gender_weight", 0.3, 1.0),
            "age": trial.suggest_float("age_weight", 0.5, 3.0),
        },
    }


def start(trial: optuna.Trial, found: dict) -> None:
    """Where the last layer starts, and what keeps the network near its start; added to what was drawn."""
    own = found.get("head", {})
    if found["input"]["normalise"] != "dataset" and not own.get("ordinal"):
        found["head"] = {**own, "init": trial.suggest_categorical("init", ["random", "frozen"])}
    if found["model"]["freeze"] == "body":
        return
    found["model"]["batch_norm"] = trial.suggest_categorical("batch_norm", ["batch", "kept"])
    if found.get("keep", "last") == "last":
        found["model"]["wise_ft"] = trial.suggest_float("wise_ft", 0.4, 1.0, step=0.2)


def rows(trial: optuna.Trial) -> dict:
    """Cuts of 29/59 and 58 were reported most; dropping 57 to 59 gave 3 points in one write-up."""
    found: dict = {
        "cuts": {"age": [trial.suggest_int("young_cut", 28, 30), trial.suggest_int("old_cut", 56, 60)]},
    }
    widths = [trial.suggest_int("drop_young", 0, 3), trial.suggest_int("drop_old", 0, 3)]
    found["corrections"] = trial.suggest_categorical("corrections", ["none", "core"])
    if any(widths):
        found["drop"] = {"age": widths}
        found["drop_side"] = trial.suggest_categorical("drop_side", ["below", "both"])
    return found


def stage(trial: optuna.Trial) -> dict:
    name = trial.suggest_categorical("first_stage", ["none", "unmasked"])
    if name == "none":
        return {}
    return {"rows": "mask=none", "share": trial.suggest_float("first_stage_share", 0.1, 0.5)}
