"""Do the programs compute the same? Speed counts only where they do.

transformers in f32 is the reference: it answers twenty prompts greedily, draws twenty texts and scores them, and says
how likely each first token after one short prompt is. The others are held against it:

- in f32 the greedy answers are equal, but for places where the reference itself hardly preferred its token;
- the divergence from the reference over the drawn texts is below 0.001. The texts are drawn from the reference, so
  the mean of `r − 1 − log r`, `r` the other's probability over the reference's, estimates KL(reference ‖ other);
- a thousand drawn first tokens pass chi-squared tests over twenty equally likely groups of tokens.
"""

import json
import pathlib

import checkpoint
import lanes
import torch

N_PROMPTS = 20
PROMPT_TOKENS = 24
NEW_TOKENS = 64
N_DRAWS = 1_000
N_GROUPS = 20
KL_MAX = 1e-3
P_MIN = 1e-3
# Below this distance between the two likeliest logits, the order of additions decides.
NEAR_TIE = 1e-3


def make_reference(model_folder: pathlib.Path, path: pathlib.Path, n_threads: int) -> None:
    """Takes about two minutes; does nothing where it is done."""
    from transformers import AutoModelForCausalLM

    if path.exists():
        return
    torch.set_num_threads(n_threads)
    torch.manual_seed(21)
    model = AutoModelForCausalLM.from_pretrained(model_folder / "base", dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    prompts = [lanes.prompt(0, row, PROMPT_TOKENS, checkpoint.VOCABULARY_SIZE) for row in range(N_PROMPTS)]
    draw_prompt = prompts[0][:2]
    with torch.no_grad():
        greedy, gaps = greedy_with_gaps(model, prompts)
        texts = generate(model, prompts, NEW_TOKENS, do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
        first = model(torch.tensor([draw_prompt])).logits[0, -1].log_softmax(-1)
        reference = {
            "prompts": prompts, "new_tokens": NEW_TOKENS, "texts": texts.tolist(), "draw_prompt": draw_prompt,
            "n_draws": N_DRAWS, "greedy": greedy, "gaps": gaps, "logprobs": score(model, texts),
            "first_logprobs": first.tolist(), "prompt_logprobs": next_logprobs(model, prompts),
        }
    path.write_text(json.dumps(reference))


def answers_of_transformers(model, questions: dict) -> dict:
    prompt = [questions["draw_prompt"]]
    draws = [
        generate(model, prompt, 1, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, num_return_sequences=100)[:, -1]
        for _ in range(questions["n_draws"] // 100)
    ]
    greedy = generate(model, questions["prompts"], questions["new_tokens"], do_sample=False)
    return {
        "greedy": greedy[:, PROMPT_TOKENS:].tolist(), "draws": torch.cat(draws).tolist(),
        "logprobs": score(model, torch.tensor(questions["texts"])),
    }


def generate(model, prompts: list[list[int]], n_tokens: int, **options) -> torch.Tensor:
    rows = torch.tensor(prompts)
    return model.generate(
        input_ids=rows, attention_mask=torch.ones_like(rows), max_new_tokens=n_tokens, pad_token_id=0, **options
    )


def greedy_with_gaps(model, prompts: list[list[int]]) -> tuple[list, list]:
    """The answers, and at each token how far its logit was above the next one's."""
    answer = generate(model, prompts, NEW_TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True)
    tops = torch.stack([logits.topk(2).values for logits in answer.logits], dim=1)  # (prompts, tokens, 2)
    return answer.sequences[:, PROMPT_TOKENS:].tolist(), (tops[..., 0] - tops[..., 1]).tolist()


def score(model, texts: torch.Tensor) -> list[list[float]]:
    """Log-probabilities from the second token on; a text at a time, for the logits are wide."""
    scores = []
    for text in texts:
        logits = model(text[None]).logits[0, :-1].float().log_softmax(-1)
        scores.append(logits.gather(1, text[1:, None]).squeeze(1).tolist())
    return scores


def next_logprobs(model, prompts: list[list[int]], n_top: int = 1_000) -> list[dict]:
    """The likeliest tokens after each prompt, for programs that tell no more than these."""
    tops = model(torch.tensor(prompts), logits_to_keep=1).logits[:, -1].log_softmax(-1).topk(n_top)
    return [{"ids": ids, "logprobs": values} for ids, values in zip(tops.indices.tolist(), tops.values.tolist())]


def judge(answers: dict, reference: dict) -> dict:
    """What can be said of a program's answers; None where it gave none."""
    verdict = {"greedy": None, "kl": None, "p_rank": None, "p_id": None}
    if answers.get("greedy"):
        verdict["greedy"] = sum(
            is_same(*pair) for pair in zip(answers["greedy"], reference["greedy"], reference["gaps"])
        )
        verdict["greedy_tokens"] = mean_agreement(answers["greedy"], reference["greedy"])
    if answers.get("logprobs"):
        verdict["kl"] = divergence(answers["logprobs"], reference["logprobs"])
    elif answers.get("prompt_logprobs"):
        verdict["kl"] = top_divergence(answers["prompt_logprobs"], reference["prompt_logprobs"])
    if answers.get("draws"):
        probabilities = torch.tensor(reference["first_logprobs"], dtype=torch.double).exp()
        draws = torch.tensor(answers["draws"])
        verdict["p_rank"] = chi_squared(draws, probabilities, probabilities.argsort(descending=True))
        verdict["p_id"] = chi_squared(draws, probabilities, torch.arange(len(probabilities)))
    return verdict


def is_same(answer: list[int], expected: list[int], gaps: list[float]) -> bool:
    """Equal, or different first where the reference itself hardly preferred its token."""
    for token, wanted, gap in zip(answer, expected, gaps):
        if token != wanted:
            return gap < NEAR_TIE
    return len(answer) == len(expected)


def mean_agreement(answers: list[list[int]], expected: list[list[int]]) -> float:
    """Tokens before the first difference, on the average."""
    lengths = []
    for answer, wanted in zip(answers, expected):
        same = [token == other for token, other in zip(answer, wanted)]
        lengths.append(same.index(False) if False in same else len(same))
    return sum(lengths) / len(lengths)


def divergence(scores: list[list[float]], expected: list[list[float]]) -> float:
    """Over the drawn tokens only: the prompts were not drawn from the model."""
    last = lambda rows: torch.tensor(rows, dtype=torch.double)[:, -NEW_TOKENS:]
    log_ratio = last(scores) - last(expected)
    return (log_ratio.exp() - 1 - log_ratio).mean().item()


def top_divergence(tops: list[dict], expected: list[dict]) -> float:
    """From the likeliest tokens after each prompt alone, scaled to all the mass."""
    total, mass = 0.0, 0.0
    for top, wanted in zip(tops, expected):
        found = dict(zip(top["ids"], top["logprobs"]))
        for token, log_p in zip(wanted["ids"], wanted["logprobs"]):
            if token in found:
                log_ratio = torch.tensor(found[token] - log_p, dtype=torch.double)
                p = torch.tensor(log_p, dtype=torch.double).exp()
                total += (p * (log_ratio.exp() - 1 - log_ratio)).item()
                mass += p.item()
    return total / mass


def chi_squared(draws: torch.Tensor, probabilities: torch.Tensor, order: torch.Tensor) -> float:
    """How likely draws from the reference would lie as unevenly, over groups along `order`."""
    mass = probabilities[order].cumsum(0) / probabilities.sum()
    group_in_order = (mass * N_GROUPS).floor().clamp(max=N_GROUPS - 1).long()
    group = torch.empty_like(group_in_order).scatter_(0, order, group_in_order)
    expected = torch.zeros(N_GROUPS, dtype=torch.double).scatter_add_(0, group, probabilities) * len(draws)
    seen = torch.bincount(group[draws], minlength=N_GROUPS).double()
    statistic = ((seen - expected) ** 2 / expected).sum()
    return torch.special.gammaincc(torch.tensor((N_GROUPS - 1) / 2, dtype=torch.double), statistic / 2).item()
