"""One implementation, ready to be timed: `python contenders.py NAME N_SERIES LENGTH N_CLASSES BATCH THREADS`.

Reads a number of epochs from each line of its input and answers with the seconds an epoch took. It
imports nothing of the others, so each implementation runs in the environment it is installed in.
"""

import os
import sys
import time

if __name__ == "__main__":
    THREADS = int(sys.argv[6])
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(THREADS)
    os.environ |= {"TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    # Not pinned to a processor: on a single one Keras's `fit` sleeps at the end of an epoch, for up to as
    # long again as the epoch took, and its peers would be measured by that.

import numpy as np

FLOPS_A_VALUE = 2 * (8 * 1 * 128 + 5 * 128 * 256 + 3 * 256 * 128)  # of the three convolutions, forward


def lstm_fcn(X, y, batch_size, *, name="lstm_fcn", compute="float32"):
    """Our engine."""
    from lstmfcn.classifiers.phase1 import new_engine
    from lstmfcn.data.series import Split
    from lstmfcn.networks.architecture import Architecture
    from lstmfcn.training.recipe import TrainingRecipe

    train = Split(X, y, tuple(map(str, range(y.max() + 1))))
    engine = new_engine(train, Architecture(name=name, cells=None if name == "fcn" else 64), seed=0)

    def run(epochs):
        recipe = TrainingRecipe(
            epochs=epochs,
            batch_size=batch_size,
            schedule="constant",
            recompute_statistics=False,
            compute=compute,
        )
        begun = time.perf_counter()
        engine.train(X, y, recipe, start=engine.initial, seed=0)
        return (time.perf_counter() - begun) / epochs

    return run


def fcn(X, y, batch_size):
    """Our engine, without the LSTM."""
    return lstm_fcn(X, y, batch_size, name="fcn")


def lstm_fcn_bfloat16(X, y, batch_size):
    """Our engine, with bfloat16 in the second and third convolution."""
    return lstm_fcn(X, y, batch_size, compute="bfloat16")


def keras_fit(X, y, batch_size):
    """Keras's own `fit` of our network."""
    from lstmfcn.networks.architecture import Architecture
    from lstmfcn.networks.build import build

    model = build(
        Architecture(name="lstm_fcn", cells=64), n_channels=1, length=X.shape[2], n_classes=int(y.max()) + 1
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return _timed_by_callback(
        lambda epochs, callback: model.fit(
            X, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[callback]
        )
    )


def sktime_lstm_fcn(X, y, batch_size):
    """The LSTMFCNClassifier of sktime."""
    from sktime.classification.deep_learning import LSTMFCNClassifier

    def fit(epochs, callback):
        LSTMFCNClassifier(
            n_epochs=epochs, batch_size=batch_size, lstm_size=64, verbose=0, callbacks=[callback]
        ).fit(X, y)

    return _timed_by_callback(fit)


def aeon_fcn(X, y, batch_size):
    """The FCNClassifier of aeon, which has no LSTM."""
    from aeon.classification.deep_learning import FCNClassifier

    def fit(epochs, callback):
        FCNClassifier(n_epochs=epochs, batch_size=batch_size, verbose=False, callbacks=[callback]).fit(X, y)

    return _timed_by_callback(fit)


def tsai_lstm_fcn(X, y, batch_size):
    """The LSTM_FCN of tsai in a plain PyTorch loop."""
    import torch
    from tsai.models.RNN_FCN import LSTM_FCN

    torch.set_num_threads(THREADS)
    n_series, _, length = X.shape
    model = LSTM_FCN(1, int(y.max()) + 1, length, hidden_size=64, rnn_dropout=0.8)
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = torch.nn.CrossEntropyLoss()
    series, classes = torch.from_numpy(X), torch.from_numpy(y)

    def run(epochs):
        begun = time.perf_counter()
        for _ in range(epochs):
            n_right = 0
            for batch in torch.randperm(n_series).split(batch_size):
                optimizer.zero_grad()
                scores = model(series[batch])
                loss = loss_of(scores, classes[batch])
                loss.backward()
                optimizer.step()
                n_right += int((scores.argmax(dim=1) == classes[batch]).sum())
        return (time.perf_counter() - begun) / epochs

    return run


def ceiling(X, _y, batch_size):
    """What an epoch's convolutions would take at the speed of the middle one, forward and backward."""
    import tensorflow as tf

    n_series, _, length = X.shape
    size = min(batch_size, n_series)
    inputs = tf.random.normal((size, length, 128))
    kernel = tf.random.normal((5, 128, 256))
    gradient = tf.random.normal((size, length, 256))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = tf.nn.conv1d(inputs, kernel, 1, "SAME")
        # The outputs too: TensorFlow does not compute what nobody asks for.
        return outputs, *tape.gradient(outputs, [inputs, kernel], output_gradients=gradient)

    work = 2 * 5 * 128 * 256 * 3 * size * length
    epoch = 3 * FLOPS_A_VALUE * n_series * length

    def run(epochs):
        steps = max(3, round(epochs * epoch / work))
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - begun) / steps * epoch / work

    return run


def matrix_product(_X, _y, _batch_size):
    """A float32 matrix product of 2048 by 2048: seconds for 10^9 operations."""
    import tensorflow as tf

    square = tf.random.normal((2048, 2048))
    product = tf.function(lambda: square @ square)

    def run(_epochs):
        begun = time.perf_counter()
        for _ in range(3):
            product()
        return (time.perf_counter() - begun) / (3 * 2 * 2048**3 / 1e9)

    return run


def _timed_by_callback(fit):
    """Time from the end of the first epoch to the end of the last: without what `fit` prepares."""
    import keras

    ends = []  # not the callback's own: sktime copies the callbacks it is given

    class Stopwatch(keras.callbacks.Callback):
        def on_epoch_end(self, *_):
            ends.append(time.perf_counter())

    def run(epochs):
        ends.clear()
        fit(epochs + 1, Stopwatch())
        return (ends[-1] - ends[0]) / epochs

    return run


def main():
    """Answer each line of the input."""
    name, *numbers = sys.argv[1:]
    n_series, length, n_classes, batch_size, _ = map(int, numbers)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the implementations print is not an answer
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_series, 1, length)).astype(np.float32)
    y = np.arange(n_series) % n_classes
    run = globals()[name](X, y, batch_size)
    for line in sys.stdin:
        print(run(int(line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
