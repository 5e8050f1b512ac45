"""Live: a camera, a stream or a file is watched through a model; the window shows it.

The pixels go through a ring in shared memory (`studio.runtime.ring`), everything else is an event:

`ring{name, slots, max_bytes, width, height, source, kind, skeleton, categories, engine, device,
precision}`: attach to `name` now; it comes again when frames become larger.
`frame{index, time, taken, slot, seq, predictions, timings, fps, dropped, recording}`: never stored.
`time` is seconds from the session's start, `taken` the moment of the capture (perf_counter, on
the clock of the whole machine); predictions as `studio.runtime.results.prediction_to_values` writes
them, with `track_id` and `head` where they are known; timings in milliseconds: capture (waiting for
the frame), preprocess, infer, decode, track, head, record (of the recording's newest frame,
beside), latency (from reading the frame to this event); fps {capture, infer}.
`status{state, message, hint}`: "running", "stalled" (nothing comes), "waiting" (a camera or stream
went away and is opened again and again), "serving" (message: where results go), "disk-full" (the
recording has ended), "ended".
`artifact{kind, path}`: "video", "json", "csv", "snapshot", "doubtful" (a picture; what was found on
it stands beside it as proposals, to be accepted or corrected in Annotate).

`set` takes the names in `studio.core.requests.live.CHANGEABLE`, and `snapshot: true`. Pixels are not
drawn on, except in what is recorded. The result is {"frames", "people", "dropped", "seconds", "fps",
"stages_ms", "problems", "saved": [paths]}; with `check_only` {"source": {"name", "kind", "width",
"height", "fps"}}.

`flow` keeps the network busy, `people` adds identities and heads, `keeping` and `recorder` write,
`window` shows, `session` holds them together.
"""

from studio.jobs.live.session import run, written

__all__ = ["run", "written"]
