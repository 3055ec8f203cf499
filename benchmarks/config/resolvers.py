"""What a YAML file may ask for besides other values: a number by the run's scale, and steps by the task's size."""

from omegaconf import DictConfig, OmegaConf

from benchmarks.config import files


def register() -> None:
    """${at_scale:100.0,ict.w_max} and ${epochs:600,${task},${.batch},${.ratio}} in a YAML file are the two below."""
    OmegaConf.register_new_resolver("at_scale", at_scale, replace=True)
    OmegaConf.register_new_resolver("epochs", epochs, replace=True)


def at_scale(value: float, key: str, *, _root_: DictConfig) -> float:
    """`value`, unless conf/shorter.yaml names another one for the run's scale."""
    found: float = files.shorter(files.CONF, _root_.scale).get(key, value)
    return found


def epochs(n: int, task: DictConfig, batch: int, ratio: int) -> int:
    """The steps of n passes over the unlabelled inputs, of which each step takes batch * ratio."""
    return max(1, round(n * pool(OmegaConf.to_container(task, resolve=True)) / (batch * ratio)))  # type: ignore[arg-type]


def pool(task: dict[str, object]) -> int:
    """The unlabelled inputs of a task's configuration, as `benchmarks.data.split` makes them.

    45,000, the Meta-Semi paper's, where nobody can say before the data is read: of one's own data, and of long tails.
    """
    size = files.sizes(files.CONF).get(str(task["name"]))
    if size is None or task["imbalance"] is not None:
        return files.sizes(files.CONF)["unknown"]
    labelled, known, validation = task["labels"], task["include_labelled"], task["validation"]
    assert isinstance(validation, int)
    free = size - validation
    return free - labelled if isinstance(labelled, int) and not known and labelled < free else free
