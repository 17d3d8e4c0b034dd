import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))  # where network_weights.py lies
