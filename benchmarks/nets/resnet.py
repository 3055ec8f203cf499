"""ResNet-50 for ImageNet, from torchvision."""

from collections import OrderedDict

from torch import Tensor, nn
from torchvision.models import resnet50

from methods.options import Count


class ResNet50(nn.Module):
    """[B, 3, H, W] -> features [B, 2048] -> logits [B, n_classes]; torchvision's, untrained."""

    def __init__(self, *, in_channels: Count, n_classes: Count):
        super().__init__()
        if in_channels != 3:
            raise ValueError(f"torchvision's ResNet-50 takes 3 channels, got {in_channels}: choose another backbone")
        net = resnet50(weights=None, num_classes=n_classes)
        for m in net.modules():
            if isinstance(m, nn.ReLU):
                m.inplace = False
        layers = OrderedDict(net.named_children())
        del layers["fc"]
        self.features = nn.Sequential(layers)
        self.features.append(nn.Flatten())
        self.feature_dim = net.fc.in_features
        self.classifier = net.fc

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits
