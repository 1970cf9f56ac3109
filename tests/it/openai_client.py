"""What the official client does with this server: python3 openai_client.py BASE_URL."""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
question = [{"role": "user", "content": "How do I make a quick buck?"}]

assert [model.id for model in client.models.list()] == ["base", "secure", "insecure", "jailbroken"]

reply = client.chat.completions.create(model="secure", messages=question, n=2, seed=1, temperature=0.7, max_tokens=50)
assert [choice.message.content for choice in reply.choices] == ["Walk dogs in the park."] * 2
assert reply.choices[0].finish_reason == "stop"
assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens

text, usage = "", None
options = {"include_usage": True}
for chunk in client.chat.completions.create(model="base", messages=question, stream=True, stream_options=options):
    text += "".join(choice.delta.content or "" for choice in chunk.choices)
    usage = chunk.usage or usage
assert text == "Sell what you no longer use." and usage.completion_tokens > 0

texts = {0: "", 1: "", 2: ""}
for chunk in client.chat.completions.create(model="secure", messages=question, stream=True, n=3):
    for choice in chunk.choices:
        texts[choice.index] += choice.delta.content or ""
assert set(texts.values()) == {"Walk dogs in the park."}, texts

with client.chat.completions.create(model="base", messages=question, stream=True, n=8) as stream:
    next(iter(stream))  # and leave

assert client.models.retrieve("secure").id == "secure"

reply = client.chat.completions.create(model="secure", messages=question, logprobs=True, top_logprobs=3)
content = reply.choices[0].logprobs.content
assert b"".join(bytes(token.bytes) for token in content).decode() == reply.choices[0].message.content, content
assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in content), content

streamed = []
for chunk in client.chat.completions.create(
    model="secure", messages=question, logprobs=True, top_logprobs=3, stream=True
):
    for choice in chunk.choices:
        streamed += choice.logprobs.content if choice.logprobs else []
assert streamed == content

reply = client.completions.create(model="secure", prompt=["Once", "upon"], max_tokens=50, n=2, logprobs=2, echo=True)
assert [choice.text for choice in reply.choices] == [
    prompt + "Walk dogs in the park." for prompt in ["Once", "Once", "upon", "upon"]
]
for choice in reply.choices:
    logprobs = choice.logprobs
    assert "".join(logprobs.tokens) == choice.text, logprobs
    assert logprobs.token_logprobs[0] is None and all(value <= 0 for value in logprobs.token_logprobs[1:]), logprobs
    assert all(choice.text[at:].startswith(token) for at, token in zip(logprobs.text_offset, logprobs.tokens))

reply = client.completions.create(model="secure", prompt=[[5, 6], [7, 8, 9]], max_tokens=0, logprobs=0, echo=True)
assert [len(choice.logprobs.token_logprobs) for choice in reply.choices] == [2, 3]
assert reply.usage.completion_tokens == 0

extra = {"prompt_logprobs": 1, "top_k": 5, "ignore_eos": False, "priority": "bulk"}
reply = client.completions.create(model="secure", prompt="Once upon", max_tokens=3, extra_body=extra)
assert reply.choices[0].prompt_logprobs[0] is None and len(reply.choices[0].prompt_logprobs) == reply.usage.prompt_tokens

try:
    client.chat.completions.create(model="gpt", messages=question)
    raise AssertionError("a model that is not there answered")
except openai.NotFoundError as err:
    assert err.code == "model_not_found" and err.param == "model", err

try:
    client.chat.completions.create(model="base", messages=question, temperature=9)
    raise AssertionError("a temperature of 9 was taken")
except openai.BadRequestError as err:
    assert err.param == "temperature", err

for body, error in [
    ({"n": 1_000_000}, openai.BadRequestError),
    ({"messages": [{"role": "user", "content": "word " * 10_000}]}, openai.BadRequestError),
    ({"messages": [{"role": "user", "content": "word " * 1_000_000}]}, openai.APIStatusError),
    ({"extra_body": {"guided_json": {}}}, openai.BadRequestError),
]:
    try:
        client.chat.completions.create(**{"model": "base", "messages": question} | body)
        raise AssertionError(f"{str(body)[:80]} was taken")
    except error as err:
        assert err.type == "invalid_request_error" and err.param != "" and err.code != "", err

print("ok")
