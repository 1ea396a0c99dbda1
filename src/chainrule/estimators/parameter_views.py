"""The parameters of a fitted estimator: theta, and coefs_ and intercepts_ as views of it."""

from typing import Any

import numpy as np

from chainrule.engines.checks import as_reals
from chainrule.network import Network, Parameters


class Holding:
    """Between theta and scikit-learn's attributes."""

    _network: Network
    coefs_: list[Any]
    intercepts_: list[Any]

    def _set_theta(self, theta: Any) -> None:
        """theta, and coefs_ and intercepts_ as views of it."""
        parameters = Parameters(self._network, theta)
        self.coefs_ = [W.T for W in parameters.W[1:]]
        self.intercepts_ = [b[:, 0] for b in parameters.b[1:]]
        self._theta, self._views = theta, (*self.coefs_, *self.intercepts_)

    def _packed(self) -> Any:
        """theta of coefs_ and intercepts_, which may have been set by hand."""
        views = getattr(self, "_views", ())
        now = (*self.coefs_, *self.intercepts_)
        if len(views) == len(now) and all(a is b for a, b in zip(views, now, strict=True)):
            return self._theta
        theta = np.empty(self._network.size, self._network.dtype)
        parameters = Parameters(self._network, theta)
        for name in ("coefs_", "intercepts_"):
            if len(getattr(self, name)) != self._network.L:
                raise ValueError(
                    f"{name} holds {len(getattr(self, name))} arrays, and the network has {self._network.L} layers."
                )
        for l, (coefs, intercepts) in enumerate(zip(self.coefs_, self.intercepts_, strict=True), start=1):
            for name, given, place in (
                (f"coefs_[{l - 1}]", np.asarray(coefs), parameters.W[l].T),
                (f"intercepts_[{l - 1}]", np.asarray(intercepts), parameters.b[l][:, 0]),
            ):
                if given.shape != place.shape:
                    raise ValueError(f"{name} has the shape {given.shape}, and the network's is {place.shape}.")
                place[...] = as_reals(name, given, self._network.dtype)
        return theta
