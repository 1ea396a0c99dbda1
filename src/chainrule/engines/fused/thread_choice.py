"""How many threads do some work: chosen by measuring while it runs, since that changes none of its bits.

On a quiet machine more threads are faster. Where other processes compute, all threads wait for the one that has lost
its core, and fewer may be faster; or more, since each of them is given time of its own. Nobody knows but by trying.

So now and then a trial does the next pieces of work with a few threads more, or fewer; the number that is faster is
kept. A trial that had its cores for itself and is slower ends at once. One that was disturbed says little until it has
lasted for many turns of the system's scheduler, or costs too much. What trials cost is paid from savings: a small share
of the time. While all the threads that there may be have their cores for themselves, fewer are tried until that has
clearly been in vain, and then no more.
"""

SHARE = 0.04  # of the time is saved for trials
SAVINGS = 0.1  # seconds: the most that is saved, what is there at first, and the most that a trial may cost
FIRST = 0.05  # seconds from trial to trial, and
UNITS = 16  # units of work: twice as many of both after each that was undisturbed and in vain, until the speed changes
LONGEST = 32.0  # times these
TRIAL = 0.25  # seconds for which another number has to be better
PIECE = 0.004  # seconds of a trial before the first look at it; until each later one it lasts twice as long
HOPELESS = 1.25  # times slower, undisturbed: a trial ends at once
DISTURBED = 0.9  # of the threads' time they computed less than this
BETTER = 0.95  # of the time: another number is taken
CHANGED = 1.25  # times faster or slower than at the last trial: the machine is another one now
MEMORY = 0.4  # seconds over which the pace is averaged
TICK = 1e-7  # seconds: no piece takes less, whatever a coarse clock says
AT_ONCE = 0.1  # seconds of work between two looks at all this


def numbers(most: int) -> list[int]:
    """Those that are tried, each about three quarters of the one before.

    >>> numbers(16)
    [16, 12, 9, 6, 4, 3, 2, 1]
    """
    chosen = [most]
    while chosen[-1] > 1:
        chosen.append(max(1, chosen[-1] * 3 // 4))
    return chosen


class Trial:
    """Another number of threads, tried on some units of work.

    at, count    its place among the numbers, and the number
    usual        seconds that a unit takes by the number that is not on trial
    """

    def __init__(self, at: int, count: int, usual: float) -> None:
        self.at = at
        self.count = count
        self.usual = usual
        self.units = 0
        self.seconds = 0.0
        self.computed = 0.0  # of the seconds of all its threads

    @property
    def slower(self) -> float:
        """How many times, so far."""
        return self.seconds / (self.units * self.usual)

    @property
    def cost(self) -> float:
        """Seconds that the usual number would have saved; below 0 where this one did."""
        return self.seconds - self.units * self.usual

    @property
    def was_disturbed(self) -> bool:
        """Its threads did not have their cores all the time."""
        return self.computed < DISTURBED * self.count * self.seconds

    @property
    def is_hopeless(self) -> bool:
        """It is much slower, and nobody else is to blame."""
        return self.slower > HOPELESS and not self.was_disturbed

    def next(self) -> int:
        """Units until the next look; as a system moves threads to other cores at leisure, not always as few."""
        if not self.units:
            return max(1, int(PIECE / self.usual))
        return max(1, min(self.units, int((TRIAL - self.seconds) / self.seconds * self.units)))

    def took(self, units: int, seconds: float, computed: float) -> None:
        """So many more were done."""
        self.units += units
        self.seconds += seconds
        self.computed += computed

    def is_over(self) -> bool:
        """Whether nothing more is to be learnt, or at too high a price."""
        return self.is_hopeless or self.cost > SAVINGS or self.seconds >= TRIAL


class Choice:
    """How many threads next. There is no clock in here: it is told how long pieces of work took.

    threads, units = choice.next(left)           do so many of the units that are left, by so many threads
    choice.took(units, seconds, computed)        so long it took, and so long all threads together had cores

    """

    def __init__(self, most: int) -> None:
        self._numbers = numbers(most)
        self._at = 0  # the place of ``count`` among them
        self._seconds, self._units, self._computed = 0.0, 0.0, 0.0  # of late, by this number of threads
        self._pace_then = 0.0  # when the last trial ended, or when it changed
        self._savings = SAVINGS
        self._since, self._units_since = 0.0, 0  # the last trial
        self._patience = 1.0  # times FIRST and UNITS until the next one
        self._direction = 1  # of the next trial: 1 to fewer threads, -1 to more
        self._moved = 0  # in which direction the count changed last
        self._trial: Trial | None = None
        self._was_hopeless = False  # the last trial, and the speed has not changed since

    @property
    def count(self) -> int:
        """Threads that do the work, but for trials."""
        return self._numbers[self._at]

    @property
    def _pace(self) -> float:
        """Seconds that a unit takes, as of late; 0 before the first."""
        return self._seconds / self._units if self._units else 0.0

    def next(self, left: int) -> tuple[int, int]:
        """How many threads do how many of the units that are left."""
        if self._trial is not None:
            return self._trial.count, min(left, self._trial.next())
        units = int(AT_ONCE / self._pace) if self._pace else 1
        return self.count, max(1, min(left, units))

    def took(self, units: int, seconds: float, computed: float) -> None:
        """The last piece of work had so many units and took so long."""
        seconds = max(seconds, TICK)
        if self._trial is None:
            self._note(units, seconds, computed)
            if self._is_time():
                self._begin_trial()
            return
        self._trial.took(units, seconds, computed)
        if self._trial.is_over():
            self._judge(self._trial)

    def _note(self, units: int, seconds: float, computed: float) -> None:
        kept = max(0.0, 1.0 - seconds / MEMORY)
        self._seconds, self._units = kept * self._seconds + seconds, kept * self._units + units
        self._computed = kept * self._computed + computed
        self._since, self._units_since = self._since + seconds, self._units_since + units
        self._savings = min(SAVINGS, self._savings + SHARE * seconds)
        if not self._pace_then / CHANGED < self._pace < self._pace_then * CHANGED:
            self._pace_then, self._patience, self._was_hopeless = self._pace, 1.0, False

    def _is_time(self) -> bool:
        """For a trial."""
        if self._was_hopeless and self._at == 0 and self._computed >= DISTURBED * self.count * self._seconds:
            return False
        waited = self._since >= FIRST * self._patience and self._units_since >= UNITS * self._patience
        return waited and self._savings > 0.0

    def _begin_trial(self) -> None:
        if not 0 <= self._at + self._direction < len(self._numbers):
            self._direction = -self._direction
        at = self._at + self._direction
        self._trial = Trial(at, self._numbers[at], self._pace)

    def _judge(self, trial: Trial) -> None:
        """Take its number, or not."""
        self._trial, self._since, self._units_since = None, 0.0, 0
        self._savings = min(SAVINGS, self._savings - trial.cost)
        self._was_hopeless = trial.is_hopeless
        if trial.slower < BETTER:
            there_and_back = self._moved == -self._direction  # is no progress
            self._patience = self._longer() if there_and_back else 1.0
            self._at, self._moved = trial.at, self._direction
            self._seconds, self._units, self._computed = trial.seconds, trial.units, trial.computed
        else:
            if not trial.was_disturbed:
                self._patience = self._longer()
            self._direction = -self._direction
        self._pace_then = self._pace

    def _longer(self) -> float:
        return min(LONGEST, 2.0 * self._patience)
