/* The embedded files: a symbol and the path in the source tree.  Read by
 * the C compiler and by the assembler's preprocessor alike. */
CNX_EMBED(demo_model, "models/nuclei_upernet_convnext_atto.pth")
CNX_EMBED(demo_config, "configs/nuclei_upernet_convnext_atto.json")
CNX_EMBED(set_ade20k, "configs/ade20k.json")
CNX_EMBED(set_coco, "configs/coco.json")
CNX_EMBED(upernet_ade20k_512, "configs/upernet_ade20k_512.json")
CNX_EMBED(upernet_ade20k_640, "configs/upernet_ade20k_640.json")
CNX_EMBED(upernet_tiny_512, "configs/upernet_convnext_tiny_512.json")
CNX_EMBED(upernet_small_512, "configs/upernet_convnext_small_512.json")
CNX_EMBED(upernet_base_512, "configs/upernet_convnext_base_512.json")
CNX_EMBED(upernet_base_640, "configs/upernet_convnext_base_640.json")
CNX_EMBED(upernet_large_640, "configs/upernet_convnext_large_640.json")
CNX_EMBED(upernet_xlarge_640, "configs/upernet_convnext_xlarge_640.json")
