"""One process of a distributed training; started by test_ddp.py.

Arguments: rank, world size, port, folder of the results, what to do.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS = 6


def train(rank: int, folder: Path, what: str) -> None:
    """Train, watched or not, and leave what came out in the folder."""
    import ortviz
    from ortviz._compat import ensure_ortmodule
    from tests.engine.more_families import tcn

    api = ensure_ortmodule()
    torch.manual_seed(1)
    model = tcn()
    wrapped = api.ORTModule(model) if what == "plain" else ortviz.wrap(model, name="net")
    trained = wrapped if what == "apart" else DistributedDataParallel(wrapped)
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(rank)
    outputs, gradients = [], []
    for _ in range(STEPS):
        output = trained(torch.randn(4, 4, 9, generator=generator))
        nn.L1Loss()(output, torch.zeros_like(output)).backward()
        outputs.append(output.detach().clone())
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
        optimizer.step()
        optimizer.zero_grad()
    result = {
        "weights": [p.detach().clone() for p in model.parameters()],
        "outputs": outputs,
        "gradients": gradients,
        "random": torch.get_rng_state(),
    }
    torch.save(result, folder / f"{what}{rank}.pt")
    if what != "plain":
        run = wrapped.ortviz
        if what == "watched":
            refuse(trained)
        torch.distributed.barrier()
        run.close()
        assert not run.problems, run.problems


def refuse(trained: nn.Module) -> None:
    """What is asked of the wrong module says which is the right one."""
    import ortviz
    from ortviz.errors import WrapError

    for ask, answer in ((ortviz.wrap, "Wrap first"), (ortviz.unwrap, "its attribute `module`")):
        with pytest.raises(WrapError, match=answer):
            ask(trained)


def main() -> None:
    """As the module says."""
    rank, world_size, port = (int(word) for word in sys.argv[1:4])
    folder, what = Path(sys.argv[4]), sys.argv[5]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    os.environ["ORTVIZ_RUNS"] = str(folder / f"runs_{what}")
    torch.distributed.init_process_group("gloo", rank=rank, world_size=world_size)
    train(rank, folder, what)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
