"""arq as a peer, tuned: it polls each millisecond, keeps no results, and has up to 200
jobs at once.
"""

from __future__ import annotations

import time
from typing import Final

from arq.connections import ArqRedis
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func

__all__ = ["work_off"]

AT_ONCE: Final = 200


async def work_off(
    redis: ArqRedis, send: WorkerCoroutine, jobs: int
) -> tuple[float, float]:
    """Queue so many jobs, then work them off; CPU and wall seconds of the latter."""
    for _ in range(jobs):
        await redis.enqueue_job("send")
    worker = Worker(
        functions=[func(send, name="send", keep_result=0, max_tries=1)],
        redis_pool=redis,
        burst=True,
        poll_delay=0.001,
        max_jobs=AT_ONCE,
        queue_read_limit=5 * AT_ONCE,
        keep_result=0,
        handle_signals=False,
        log_results=False,
    )
    cpu, wall = time.process_time(), time.perf_counter()
    await worker.main()
    cost = time.process_time() - cpu, time.perf_counter() - wall
    if worker.jobs_complete != jobs:
        message = f"arq did {worker.jobs_complete} jobs, not {jobs}"
        raise AssertionError(message)
    return cost
