"""The lanes, as `plumbline bench` has them in server/src/bench/lane.rs, and how a run becomes a result."""

import dataclasses
import random

PROMPT_TOKENS = 64
WARM_UP_ROWS, WARM_UP_TOKENS = 8, 8


@dataclasses.dataclass(frozen=True)
class Lane:
    name: str
    title: str
    n_rows: int
    new_tokens: int
    unit: str = "tokens/s"
    has_variants: bool = False
    shares_prompt: bool = False

    def shortened(self, divisor: int) -> "Lane":
        """As the Rust side does it: scoring and first tokens keep their length."""
        if self.unit in ("s", "scored tokens/s"):
            return self
        return dataclasses.replace(self, new_tokens=max(2, self.new_tokens // divisor))

    def warm_up(self) -> "Lane":
        """Few rows and tokens: enough to load what is loaded on first use."""
        return dataclasses.replace(
            self, n_rows=min(self.n_rows, WARM_UP_ROWS), new_tokens=min(self.new_tokens, WARM_UP_TOKENS)
        )

    def value(self, tokens: int, seconds: float, first_seconds: float) -> float:
        if self.unit == "s":
            return first_seconds
        if self.unit == "tokens/s after the first":
            return (tokens - self.n_rows) / (seconds - first_seconds)
        return tokens / seconds

    def run(self, seconds: float, first_seconds: float) -> dict:
        tokens = self.n_rows * self.new_tokens
        value = self.value(tokens, seconds, first_seconds)
        return {"seconds": seconds, "first_seconds": first_seconds, "tokens": tokens, "value": value}


ALL = [
    Lane("one-stream", "one stream, 256 new", 1, 256, "tokens/s after the first"),
    Lane("four-variants", "base + three adapters together, 256 new each", 4, 256, has_variants=True, shares_prompt=True),
    Lane("rows-4", "4 rows, 128 new each", 4, 128),
    Lane("rows-8", "8 rows, 128 new each", 8, 128),
    Lane("rows-16", "16 rows, 128 new each", 16, 128),
    Lane("rows-32", "32 rows, 128 new each", 32, 128),
    Lane("samples-100", "100 samples of one prompt, 128 new each", 100, 128, shares_prompt=True),
    Lane("scoring", "scoring 8 answers of 100 tokens to one prompt", 8, 100, "scored tokens/s", shares_prompt=True),
    Lane("first-token-one", "first token of one answer", 1, 1, "s"),
    Lane("first-token-four", "first tokens of base + three adapters", 4, 1, "s", has_variants=True, shares_prompt=True),
]


def named(names: list[str], shorten: int) -> list[Lane]:
    return [lane.shortened(shorten) for lane in ALL if lane.name in names]


def prompt(number: int, row: int, n_tokens: int, vocabulary_size: int) -> list[int]:
    """Tokens without meaning, other ones for every run and row."""
    draw = random.Random(f"{number} {row}")
    return [draw.randrange(vocabulary_size) for _ in range(n_tokens)]


def prompts(lane: Lane, number: int, vocabulary_size: int) -> list[list[int]]:
    rows = [0] * lane.n_rows if lane.shares_prompt else range(lane.n_rows)
    return [prompt(number, row, PROMPT_TOKENS, vocabulary_size) for row in rows]
