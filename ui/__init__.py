"""What residents see. Gradio reports usage unless told otherwise before it is imported: told here."""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
