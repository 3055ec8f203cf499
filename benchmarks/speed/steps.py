"""The steps that are compared, each a function without arguments, on random pixels in CIFAR-10's shape."""

import random
from collections.abc import Callable

import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from torch import Tensor

from benchmarks.assemble import assemble, make
from benchmarks.config import compose
from benchmarks.data.augment import Augment
from benchmarks.data.images import Images
from benchmarks.data.task import Labelled, Task
from benchmarks.machine.device import device
from benchmarks.training.cuda_graphs import Recorder
from benchmarks.training.replay import Replay
from methods.base import Batch

StepFn = Callable[[], object]
LABELLED, RATIO, CLASSES = 32, 6, 10  # Meta-T, Table 6

#: name -> overrides of the run whose step is timed, and how many steps make one (Green's k)
OURS = {
    "fixmatch": ("method=fixmatch", 1),
    "flexmatch": ("method=flexmatch", 1),
    "meta_t": ("method=meta_t", 1),
    "meta_t_lagged": ("method=meta_t_lagged", 1),
    "green_meta_t": ("method=green_meta_t", 2),
    "meta_t_finite_difference": ("method=meta_t engine=finite_difference", 1),
    "meta_t_higher": ("method=meta_t engine=higher", 1),
    "meta_semi": ("method=meta_semi", 1),
    "meta_semi_higher": ("method=meta_semi engine=higher", 1),
    "fixmatch_bfloat16": ("method=fixmatch precision=bfloat16", 1),
    "meta_t_bfloat16": ("method=meta_t precision=bfloat16", 1),
}


def config(*overrides: str) -> DictConfig:
    return compose(["task=cifar10", "protocol=meta_t", "scale=paper", *overrides])


def task_of(labelled: int = LABELLED, unlabelled: int = LABELLED * RATIO, classes: int = CLASSES) -> Task:
    augment: Augment = make(config().task.augment)
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (labelled + unlabelled, 3, 32, 32), dtype=torch.uint8, generator=draw)
    images = Images(x, augment)
    known = Labelled(images.take(torch.arange(labelled)), torch.arange(labelled) % classes)
    return Task(known, images.take(torch.arange(labelled, labelled + unlabelled)), classes).to(device())


def batch_of(task: Task, views: tuple[str, ...], labelled_view: str = "weak") -> Batch:
    """The whole task as one fixed batch, in the views that a method asks for."""
    draw = torch.Generator(task.unlabelled.device).manual_seed(0)
    i = torch.arange(len(task.labelled.y), device=task.unlabelled.device)
    j = torch.arange(len(task.unlabelled), device=task.unlabelled.device)
    u = task.unlabelled.views(views, j, draw)
    (known,) = task.labelled.x.views((labelled_view,), i, draw)
    return Batch(known, task.labelled.y, i, u, j)


def ours(overrides: str, task: Task | None = None, compiled: bool = False, recorder: Recorder | None = None) -> StepFn:
    """A step as the trainer takes it, without its data: what is timed is the step, not the augmentation."""
    parts = assemble(config(*overrides.split()), task or task_of(), compiled)
    student, method = parts.student(), parts.method
    batch = batch_of(parts.task, method.views, method.labelled_view)
    if recorder is None:
        return lambda: student.take(method, batch)
    student.step = student.steps // 2  # the average's weight stands still
    take = Replay(student, method, recorder)
    return lambda: take(batch)


def conventional(backbone: str) -> StepFn:
    """FixMatch as public codes write it: one pass with gradient over [labelled, weak, strong], contiguous layout."""
    parts = assemble(config(f"backbone={backbone}"), task_of(), compiled=False)
    task, student = parts.task, parts.student()
    net = student.net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    batch = batch_of(task, ("weak", "strong"))
    x = torch.cat([batch.x, *batch.u]).contiguous()

    def step() -> None:
        logits = net(x)
        labelled, weak, strong = logits.split([LABELLED, LABELLED * RATIO, LABELLED * RATIO])
        confidence, label = weak.detach().softmax(-1).max(-1)
        unsupervised = F.cross_entropy(strong, label, reduction="none") * (confidence >= 0.95)
        loss = F.cross_entropy(labelled, batch.y) + unsupervised.mean()
        student.optimizer.zero_grad()
        loss.backward()
        student.optimizer.step()
        with torch.no_grad():
            for mine, theirs in zip(student.average.parameters(), net.parameters(), strict=True):
                mine.mul_(student.decay).add_(theirs, alpha=1 - student.decay)

    return step


def strong_views() -> StepFn:
    """The strong views of one batch, on the training device."""
    task, draw = task_of(), torch.Generator(device()).manual_seed(0)
    every = torch.arange(len(task.unlabelled), device=device())
    return lambda: task.unlabelled.views(("strong",), every, draw)[0]


def pillow_views() -> StepFn:
    """The same distribution image by image: torchvision's flip and crop, Pillow's operators, then a tensor."""
    from PIL import Image, ImageDraw, ImageEnhance, ImageOps
    from torchvision import transforms

    grey, draw = (127, 127, 127), random.Random(0)
    pixels = torch.randint(0, 256, (LABELLED * RATIO, 32, 32, 3), dtype=torch.uint8)
    images = [Image.fromarray(x.numpy()) for x in pixels]
    weak = transforms.Compose(
        [transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, padding=4, padding_mode="reflect")]
    )
    finish = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.49, 0.48, 0.45), (0.25, 0.24, 0.26))])

    def warp(*matrix: float) -> Callable[[Image.Image], Image.Image]:
        return lambda image: image.transform(image.size, Image.Transform.AFFINE, matrix, fillcolor=grey)

    def operators(level: int, sign: int) -> list[Callable[[Image.Image], Image.Image]]:
        enhance, t = 0.18 * level + 0.1, sign * level / 10
        kinds = (ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness, ImageEnhance.Sharpness)
        return [
            lambda image: image,
            ImageOps.autocontrast,
            ImageOps.equalize,
            lambda image: ImageOps.solarize(image, 256 - int(25.6 * level)),
            lambda image: ImageOps.posterize(image, 4 - int(0.4 * level)),
            *(lambda image, kind=kind: kind(image).enhance(enhance) for kind in kinds),
            lambda image: image.rotate(30 * t, fillcolor=grey),
            warp(1, 0.3 * t, 0, 0, 1, 0),
            warp(1, 0, 0, 0.3 * t, 1, 0),
            warp(1, 0, 10 * t, 0, 1, 0),
            warp(1, 0, 0, 0, 1, 10 * t),
        ]

    def view(image: Image.Image) -> Tensor:
        image = weak(image)
        for _ in range(2):
            if draw.random() < 0.5:
                image = draw.choice(operators(draw.randint(1, 9), draw.choice((-1, 1))))(image)
        x, y = draw.randrange(32), draw.randrange(32)
        ImageDraw.Draw(image).rectangle((x - 8, y - 8, x + 7, y + 7), fill=grey)
        return finish(image)

    return lambda: torch.stack([view(image) for image in images])
