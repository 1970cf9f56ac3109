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

with client.chat.completions.create(model="base", messages=question, stream=True) as stream:
    next(iter(stream))  # and leave

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

print("ok")
