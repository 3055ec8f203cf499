"""Backbones, each with `features`, `classifier` and `feature_dim` (`methods.base.Net`). Imports `machine` and `errors`.

wrn       Wide ResNets: CIFAR, SVHN, STL-10
cnn13     the thirteen-layer network of Meta-Semi's tables
resnet    ResNet-50 for ImageNet, torchvision's
tiny      made for digits of 8x8 on one core
encoder   transformers of BERT's kind for texts
"""
