"""Who answers to Ctrl-C, and when."""

import signal
from threading import Thread

import pytest

from chainrule import Network, Recipe, fit
from chainrule.engines.reference import Reference
from chainrule.engines.signals import ctrl_c_answered, ctrl_c_noted

PYTHONS = signal.default_int_handler


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def pythons_own():
    before = signal.signal(signal.SIGINT, PYTHONS)
    yield
    signal.signal(signal.SIGINT, before)


def test_it_is_noted_where_it_is_held_and_raised_elsewhere():
    with ctrl_c_answered():
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        with ctrl_c_noted() as noted, ctrl_c_noted() as inside:
            ctrl_c()
        assert noted is inside
        assert noted == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        with ctrl_c_noted() as noted:
            pass
        assert noted == []
    assert signal.getsignal(signal.SIGINT) is PYTHONS


def test_answered_within_answered_ends_with_the_outer_one():
    with ctrl_c_answered():
        with ctrl_c_answered():
            pass
        with ctrl_c_noted() as noted:
            ctrl_c()
        assert noted
    assert signal.getsignal(signal.SIGINT) is PYTHONS


def test_someone_elses_handler_gets_it():
    theirs = []
    signal.signal(signal.SIGINT, lambda number, frame: theirs.append(number))
    handler = signal.getsignal(signal.SIGINT)
    with ctrl_c_answered(), ctrl_c_noted() as noted:
        ctrl_c()
    assert theirs
    assert not noted
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_that_is_set_inside_gets_it_and_stays():
    theirs = []

    def handler(number, frame):
        theirs.append(number)

    with ctrl_c_answered():
        signal.signal(signal.SIGINT, handler)
        with ctrl_c_noted() as noted:
            ctrl_c()
    assert theirs
    assert not noted
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_another_thread_nothing_changes():
    seen = []

    def there():
        with ctrl_c_answered(), ctrl_c_noted() as noted:
            seen.append((signal.getsignal(signal.SIGINT), noted))

    thread = Thread(target=there)
    thread.start()
    thread.join()
    assert seen == [(PYTHONS, [])]


class Interrupts:
    def on_epoch_end(self, history, parameters):
        if len(history) == 3:
            ctrl_c()


def test_it_ends_a_fit_from_within_a_callback_and_python_answers_again():
    engine = Reference(Network((1, 2, 1)), Recipe(epochs=10, batch_size=1))
    done = fit(engine, engine.examples([[0.0], [1.0]], [[0.0], [1.0]]), callbacks=[Interrupts()])
    assert done.history.stopped == "interrupted"
    assert len(done.history) == 3
    assert signal.getsignal(signal.SIGINT) is PYTHONS
