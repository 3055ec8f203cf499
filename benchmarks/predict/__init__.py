"""A finished run's network, used on images. Imports `assemble`, `data`, `store`, `training`, `machine`.

model      load(run) -> a model whose forward takes images
__main__   images -> a CSV of predictions and confidences

    from benchmarks.predict import load

    model = load("8d28457d9686")        # a run's id, its folder or its model.pth
    p = model(images)                   # uint8 [B, C, H, W] -> probabilities [B, K]
    names = [model.classes[k] for k in p.argmax(1)]
"""

from benchmarks.predict.model import Model, load

__all__ = ["Model", "load"]
