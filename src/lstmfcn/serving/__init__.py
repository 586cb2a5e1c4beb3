"""A model over HTTP: `lstmfcn serve`.

`server` listens, `guard` decides who may ask, `app` has the addresses, `body` reads series, `turns` computes
in bounded memory, `answer` writes labels and probabilities.
"""
