"""The tiny network in a row as the table of classifiers has them."""

from lstmfcn.classifiers.base import NetworkClassifier


class Tiny(NetworkClassifier):
    """A network without cells, whatever is asked for."""

    def architecture(self, cells, **options):
        return super().architecture(None, **options)


TINY = Tiny(name="fcn", title="Tiny", network="tiny.network")
