"""A whole family in three hooks: checked, trained, described, opened, resumed, previewed."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import DataError, ModelError, StudioError, UsageError  # noqa: E402
from studio.core.job import ARTIFACT  # noqa: E402
from studio.io.images import read_image  # noqa: E402
from studio.ml.checkpoints import read_weights  # noqa: E402
from studio.registry.interfaces import Family  # noqa: E402
from tests.ml.toy import Net, ToyFamily, options  # noqa: E402
from tests.training_runs import Remote, context_of  # noqa: E402


@pytest.fixture
def trained(tmp_path) -> Path:
    ToyFamily().train(options(epochs=2), context_of(tmp_path / "run", Remote()))
    return tmp_path / "run"


def test_it_is_a_family():
    assert isinstance(ToyFamily(), Family)


def test_it_writes_its_options_and_describes_its_weights(trained):
    config = tomllib.loads((trained / "config.toml").read_text())
    assert config["family"] == "toy"
    assert config["options"]["epochs"] == 2
    for name in ("best.pt", "last.pt"):
        artifact = ToyFamily().describe(trained / "weights" / name)
        assert artifact.weights == trained / "weights" / name
        module = ToyFamily().load_torch(artifact)
        assert not module.training
        state = read_weights(artifact.weights).state
        assert torch.equal(module.state_dict()["head.weight"], state["head.weight"])
        assert module(torch.rand(2, 1, 16, 16)).shape == (2, 2)
    assert not ToyFamily().export_module(artifact).training


def test_resumed_options_are_the_runs_with_the_asked_over_them(trained):
    last = trained / "weights" / "last.pt"
    values = ToyFamily().resumed_options(last, trained, {"epochs": 5, "workers": 1})
    assert (values["epochs"], values["workers"], values["width"]) == (5, 1, 8)
    # A run that came back from elsewhere has its paths in config.toml.
    text = (trained / "config.toml").read_text().replace("width = 8", "width = 9")
    (trained / "config.toml").write_text(text)
    assert ToyFamily().resumed_options(last, trained, {"epochs": 5})["width"] == 9
    with pytest.raises(DataError, match="finished: 2 of 2"):
        ToyFamily().resumed_options(last, trained, {})
    (trained / "config.toml").unlink()
    assert ToyFamily().resumed_options(last, trained, {"epochs": 3})["width"] == 8


def test_a_family_may_mean_more_epochs(trained):
    class More(ToyFamily):
        more_epochs = True

    last = trained / "weights" / "last.pt"
    assert More().resumed_options(last, trained, {"epochs": 3})["epochs"] == 5
    with pytest.raises(DataError, match="finished") as caught:
        More().resumed_options(last, trained, {})
    assert "more" in caught.value.hint


def test_a_family_goes_on_with_its_run(trained):
    family = ToyFamily()
    last = trained / "weights" / "last.pt"
    values = family.resumed_options(last, trained, {"epochs": 3})
    artifact = family.train(options(**values), context_of(trained, Remote()), last)
    assert artifact.extra["epochs"] == 3


def test_preflight_names_device_logger_and_data():
    problems = ToyFamily().preflight(options(device="42", log_to=("nowhere",), pictures=1))
    assert [p.where for p in problems] == ["device", "log_to", "pictures"]
    assert ToyFamily().preflight(options()) == []
    with pytest.raises(DataError, match="no pictures"):
        ToyFamily().train(options(pictures=1), context_of(Path.cwd(), Remote()))


def test_data_are_read_once(tmp_path):
    read = []

    class Counting(ToyFamily):
        def prepare(self, options, context, resume):
            read.append(options)
            return super().prepare(options, context, resume)

    family = Counting()
    family.preflight(options(epochs=1))
    family.train(options(epochs=1), context_of(tmp_path, Remote()))
    assert len(read) == 1


def test_the_first_batch_can_be_seen_before_the_start(tmp_path):
    remote = Remote()
    (path,) = ToyFamily().preview(options(), context_of(tmp_path, remote))
    assert path == tmp_path / "report" / "batch.jpg"
    assert read_image(path).shape == (32, 32, 3)
    assert [e["kind"] for e in remote.named(ARTIFACT)] == ["picture"]
    assert not (tmp_path / "weights").exists()


def test_weights_of_others(tmp_path, trained):
    path = tmp_path / "theirs.pth"
    torch.save({"state_dict": {f"net.{k}": v for k, v in Net(8).state_dict().items()}}, path)
    with pytest.raises(ModelError, match="no weights of toy"):
        ToyFamily().describe(path)

    class Knowing(ToyFamily):
        def foreign(self, path, state):
            known = ToyFamily().describe(trained / "weights" / "best.pt")
            return importlib.import_module("dataclasses").replace(known, weights=path)

        def renamed(self, state):
            return {name.removeprefix("net."): value for name, value in state.items()}

    artifact = Knowing().describe(path)
    module = Knowing().load_torch(artifact)
    assert torch.equal(module.state_dict()["head.bias"], read_weights(path).state["net.head.bias"])


def test_matching_tensors_alone(tmp_path, trained):
    family, weights = ToyFamily(), read_weights(trained / "weights" / "best.pt")
    wider = Net(12)
    with pytest.raises(ModelError, match="another network"):
        family.load(wider, weights)
    found = family.load(wider, weights, matching=True)
    assert found.matched == ("body.1.num_batches_tracked", "head.bias")
    with pytest.raises(ModelError, match="Nothing in these weights fits"):
        family.load(torch.nn.Linear(3, 3), weights, matching=True)

    class Other(ToyFamily):
        id = "other"

    with pytest.raises(ModelError, match="weights of toy, not of other"):
        Other().load(wider, weights, matching=True)


def test_nothing_is_published(tmp_path):
    with pytest.raises(UsageError, match="no published weights"):
        ToyFamily().fetch(options(), context_of(tmp_path, Remote()))


def test_a_transfer_is_told(tmp_path, trained):
    from tests.ml.toy import DotTask, run

    class From(DotTask):
        def build(self):
            model = super().build()
            weights = read_weights(trained / "weights" / "best.pt")
            self.transferred = ToyFamily().load(model, weights, matching=True)
            return model

    remote = Remote()
    run(tmp_path / "next", remote, task=From(options()), epochs=1)
    (event,) = remote.named("transfer")
    assert len(event["matched"]) == 9
    assert event["missing"] == []
    assert any("9 of the network's 9 tensors match" in e["message"] for e in remote.named("log"))


def test_every_error_is_one_a_person_can_act_on(tmp_path):
    for broken in (b"", b"x" * 100):
        path = tmp_path / "w.pt"
        path.write_bytes(broken)
        with pytest.raises(StudioError) as caught:
            ToyFamily().describe(path)
        assert caught.value.where == str(path)
