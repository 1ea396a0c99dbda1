"""Rivals that train nothing, for tests of the runner. Workers import this file by its bare name."""

import os
import time


class Sleeper:
    """An epoch lasts ``seconds``, by its own count; its one weight counts the epochs since the last restart."""

    def __init__(self, data, seconds):
        self.data = data
        self.seconds = seconds

    def restart(self):
        self.epochs = 0

    def train(self, epochs):
        print("chatter that is no answer")
        time.sleep(epochs * self.seconds)
        self.epochs += epochs
        return epochs * self.seconds  # however long a busy machine let it sleep

    def layers(self):
        return [(W, b + self.epochs) for W, b in self.data.layers]


def make_sleeper(case, data, threads, seconds):
    return Sleeper(data, seconds)


def make_environment_teller(case, data, threads):
    """Never takes part; the reason is what it saw."""
    raise RuntimeError(" ".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if "OPENBLAS" in name))


def make_absent(case, data, threads):
    raise ModuleNotFoundError("No module named 'absent'")


def make_dead(case, data, threads):
    os._exit(3)


def make_cache_teller(case, data, threads, log):
    """Notes whether it found the cache empty, and puts something there."""
    folder = os.environ["CHAINRULE_CACHE_DIR"]
    with open(log, "a") as file:
        file.write(f"{os.environ['TORCHINDUCTOR_CACHE_DIR'] == folder} {len(os.listdir(folder))}\n")
    open(os.path.join(folder, "compiled"), "w").close()
    return Sleeper(data, 0.001)


class Hoarder(Sleeper):
    """Needs so many bytes while it trains, and none when it is done."""

    def __init__(self, data, size):
        super().__init__(data, 0.0)
        self.size = size

    def train(self, epochs):
        assert len(bytes([1]) * self.size) == self.size


def make_hoarder(case, data, threads, size):
    return Hoarder(data, size)
