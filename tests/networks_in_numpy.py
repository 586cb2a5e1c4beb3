"""The paper's networks in NumPy, float64, written from its equations: what the Keras models are held to."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cell(gates, memory):
    """Section II-C: the gates' activations (input, forget, cell, output), then memory and hidden state."""
    i, f, g, o = np.split(gates, 4)
    memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(memory), memory


def lstm(x, w):
    """Section II-C for one series x (steps, features): the last hidden state."""
    hidden = memory = np.zeros(len(w["recurrent_kernel"]))
    for step in x:
        hidden, memory = cell(step @ w["kernel"] + hidden @ w["recurrent_kernel"] + w["bias"], memory)
    return hidden


def attention_lstm(x, w):
    """Section II-D for one series x (steps, features): last hidden state, weights and contexts."""
    hidden = memory = np.zeros(w["alignment_bias"].shape)
    all_weights, contexts = [], []
    for step in x:
        aligned = x @ w["alignment_kernel"] + hidden @ w["alignment_recurrent"] + w["alignment_bias"]
        weights = softmax((np.tanh(aligned) @ w["alignment_vector"])[:, 0])
        context = weights @ x
        gates = (
            step @ w["kernel"] + hidden @ w["recurrent_kernel"] + context @ w["context_kernel"] + w["bias"]
        )
        hidden, memory = cell(gates, memory)
        all_weights.append(weights)
        contexts.append(context)
    return hidden, np.array(all_weights), np.array(contexts)


def windows(x, size, dilation=1):
    """What a kernel with equal padding sees at each step of one series x (steps, channels)."""
    reach = (size - 1) * dilation
    padded = np.pad(x, ((reach // 2, reach - reach // 2), (0, 0)))
    return [padded[t : t + reach + 1 : dilation] for t in range(len(x))]


def convolution(x, w):
    """A convolution with equal padding over one series x (steps, channels)."""
    kernel = w["kernel"]
    return np.array([np.tensordot(seen, kernel, axes=2) for seen in windows(x, len(kernel))]) + w.get(
        "bias", 0
    )


def separable(x, w, dilation):
    """A separable convolution: each channel by a kernel of its own, then sums of them."""
    kernel = w["depthwise_kernel"][:, :, 0]
    each = [(seen * kernel).sum(axis=0) for seen in windows(x, len(kernel), dilation)]
    return np.array(each) @ w["pointwise_kernel"][0]


def lite_maps(x, w):
    """Ismail-Fawaz et al. (2023), section III, for one series x (steps, channels): the maps of its end."""
    given = [f"trends_{2**i}" for i in range(1, 7)] + [f"peaks_{6 * 2**i}" for i in range(5)]
    given = np.maximum(np.concatenate([convolution(x, w[name]) for name in given], axis=1), 0)
    learned = [convolution(x, w[f"conv1_{size}"]) for size in (40, 20, 10)]
    y = np.maximum(normalised(np.concatenate([given, *learned], axis=1), w["norm1"]), 0)
    y = np.maximum(normalised(separable(y, w["conv2"], 2), w["norm2"]), 0)
    return np.maximum(normalised(separable(y, w["conv3"], 4), w["norm3"]), 0)


def normalised(x, w):
    """Batch norm at rest."""
    return (x - w["moving_mean"]) / np.sqrt(w["moving_variance"] + 0.001) * w["gamma"] + w["beta"]


def convolution_block(x, conv, norm):
    """Section III-A for one series x (steps, channels): convolution, batch norm, ReLU."""
    return np.maximum(normalised(convolution(x, conv), norm), 0)


def residual_block(x, block, w):
    """Wang, Yan and Oates (2017), equation 2, for one series x (steps, channels)."""
    y = x
    for k in (1, 2, 3):
        y = normalised(convolution(y, w[f"conv{block}_{k}"]), w[f"norm{block}_{k}"])
        y = np.maximum(y, 0) if k < 3 else y
    shortcut = convolution(x, w[f"conv{block}_0"]) if f"conv{block}_0" in w else x
    return np.maximum(y + normalised(shortcut, w[f"norm{block}_0"]), 0)


def recurrent_view(x, *, dimension_shuffle=True, segments=1):
    """What the recurrent branch sees of one series x (channels, length): (steps, features)."""
    if not dimension_shuffle:
        return x.T
    size = int(np.ceil(x.shape[1] / segments))
    padded = np.pad(x, ((0, 0), (0, size * segments - x.shape[1])))
    return np.concatenate([channel.reshape(segments, size) for channel in padded])


def maps(name, x, w):
    """What the convolutions make of one series x (channels, length), by step: (length, n_maps)."""
    y = x.T
    if name == "lite":
        return lite_maps(y, w)
    for k in (1, 2, 3):
        if name == "resnet":
            y = residual_block(y, k, w)
        else:
            y = convolution_block(y, w[f"conv{k}"], w[f"norm{k}"])
    return y


def network(name, x, w, **view):
    """Fig. 1 (or ResNet, or LITE) for one series x (channels, length), dropout at rest: probabilities."""
    y = maps(name, x, w)
    features = y.mean(axis=0)
    if name == "lstm_fcn":
        features = np.concatenate([lstm(recurrent_view(x, **view), w["lstm"]), features])
    elif name == "alstm_fcn":
        hidden, _, _ = attention_lstm(recurrent_view(x, **view), w["attention_lstm"])
        features = np.concatenate([hidden, features])
    return softmax(features @ w["logits"]["kernel"] + w["logits"]["bias"])


def randomised(model, seed):
    """Give a Keras model random weights; return them by layer and name, in float64."""
    rng = np.random.default_rng(seed)
    weights = {}
    for variable in model.weights:
        if variable.dtype != "float32":
            continue  # the dropout's place in its stream of masks
        layer, *_, name = variable.path.removeprefix(f"{model.name}/").split("/")
        if name == "moving_variance":
            value = rng.uniform(0.5, 2, size=variable.shape)
        else:
            value = rng.normal(size=variable.shape) / np.sqrt(np.prod(variable.shape[:-1]))
        variable.assign(value)
        weights.setdefault(layer, {})[name] = np.asarray(variable.numpy(), np.float64)
    return weights
