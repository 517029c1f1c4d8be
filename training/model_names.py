"""What the registered model and its alias are called; light enough to be read before anything heavy is imported."""

MODEL_NAME = "screen-time"
ALIAS = "champion"
DEFAULT_MODEL = f"models:/{MODEL_NAME}@{ALIAS}"
