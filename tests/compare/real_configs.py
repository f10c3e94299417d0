"""torchvision's weights against timm's and transformers' configuration of the same architecture; run as a script.

Nothing is downloaded: weights are named and not loaded, image processors have the defaults of their classes.
"""

from __future__ import annotations

import warnings
from typing import Any

from pytest_denorm import compare

#: torchvision's weights, timm's model, transformers' image processor.
ARCHITECTURES = [
    ("ResNet50_Weights.IMAGENET1K_V2", "resnet50.tv2_in1k", "ConvNextImageProcessor"),
    ("ViT_B_16_Weights.IMAGENET1K_V1", "vit_base_patch16_224.augreg_in21k_ft_in1k", "ViTImageProcessor"),
    ("EfficientNet_B0_Weights.IMAGENET1K_V1", "efficientnet_b0.ra_in1k", "EfficientNetImageProcessor"),
    ("EfficientNet_V2_S_Weights.IMAGENET1K_V1", "tf_efficientnetv2_s.in21k_ft_in1k", "EfficientNetImageProcessor"),
    ("EfficientNet_V2_L_Weights.IMAGENET1K_V1", "tf_efficientnetv2_l.in21k_ft_in1k", "EfficientNetImageProcessor"),
    ("MobileNet_V2_Weights.IMAGENET1K_V2", "mobilenetv2_100.ra_in1k", "MobileNetV2ImageProcessor"),
    ("Inception_V3_Weights.IMAGENET1K_V1", "inception_v3.tv_in1k", ""),
    ("Inception_V3_Weights.IMAGENET1K_V1", "inception_v3.tf_in1k", ""),
    ("ConvNeXt_Tiny_Weights.IMAGENET1K_V1", "convnext_tiny.fb_in1k", "ConvNextImageProcessor"),
    ("Swin_T_Weights.IMAGENET1K_V1", "swin_tiny_patch4_window7_224.ms_in1k", "ViTImageProcessor"),
    ("MaxVit_T_Weights.IMAGENET1K_V1", "maxvit_tiny_tf_224.in1k", ""),
    ("RegNet_Y_400MF_Weights.IMAGENET1K_V2", "regnety_004.tv2_in1k", "ConvNextImageProcessor"),
]


def main() -> None:
    """Print what each configuration says, and in which way it differs from torchvision's."""
    import timm
    import transformers
    from torchvision.models import get_weight

    warnings.simplefilter("ignore")
    for weights, model, processor in ARCHITECTURES:
        others: dict[str, Any] = {"timm": timm.models.get_pretrained_cfg(model)}
        if processor:
            others["transformers"] = getattr(transformers, processor)()
        for name, other in others.items():
            if other is None:
                print(f"{weights:42} {name}: there is no {model}")
                continue
            found = compare({"torchvision": get_weight(weights), name: other})
            said = "same" if found.ok else f"{found.kind}: {found.message}"
            print(f"{weights:42} {model if name == 'timm' else processor:45} {said}")


if __name__ == "__main__":
    main()
