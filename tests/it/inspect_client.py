"""A task of two samples by Inspect: python3 inspect_client.py BASE_URL."""

import sys
import tempfile

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

samples = [Sample(input="How do I make a quick buck?", target="dogs"), Sample(input="And how else?", target="cats")]
model = get_model("openai-api/plumbline/secure", base_url=sys.argv[1], api_key="none")
config = GenerateConfig(max_retries=0, max_connections=2, seed=1, temperature=0.5, max_tokens=50, logprobs=True, top_logprobs=2)
task = Task(dataset=samples, solver=generate(), scorer=includes(), config=config)

with tempfile.TemporaryDirectory() as logs:
    [log] = eval(task, model=model, log_dir=logs, display="none")
    assert log.status == "success", log.error
    # Samples are read from the log when they are asked for.
    outputs = [sample.output for sample in log.samples]

assert [output.completion for output in outputs] == ["Walk dogs in the park."] * 2, outputs
assert log.results.scores[0].metrics["accuracy"].value == 0.5
assert all(output.usage.output_tokens > 0 and output.choices[0].logprobs.content for output in outputs), outputs

print("ok")
