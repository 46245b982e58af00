"""OpenMetrics 1.0, read strictly: what Prometheus may refuse is an error here. And once more by Prometheus' own reader for
Python, where it is installed.

    families = parse(text)     name -> Family; a ValueError says which line is wrong
"""

import re

try:
    from prometheus_client.openmetrics import parser as reference
except ImportError:
    reference = None

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|\Z)')
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}


class Family:
    def __init__(self, name):
        self.name, self.type, self.help, self.unit = name, None, None, None
        self.samples = {}  # (suffix, frozenset of labels) -> number
        self.order = []


def labels_of(text, line):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or (match.group(3) == "," and match.end() == len(text)):
            raise ValueError(f"malformed labels: {line}")
        if match.group(1) in labels:
            raise ValueError(f"a label twice: {line}")
        labels[match.group(1)] = re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), match.group(2))
        at = match.end()
    return labels


def number_of(text, line):
    if not re.match(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]{2,})?\Z", text):
        raise ValueError(f"malformed number: {line}")
    return float(text)


def metadata(families, line, current):
    match = re.match(r"# (HELP|TYPE|UNIT) (\S+) (.*)\Z", line)
    if not match:
        raise ValueError(f"neither metadata nor a sample: {line}")
    kind, name, text = match.groups()
    if current is None or current.name != name:
        if name in families or not NAME.match(name):
            raise ValueError(f"a family twice or a bad name: {line}")
        current = families[name] = Family(name)
    if current.order or getattr(current, kind.lower()) is not None:
        raise ValueError(f"metadata twice or behind samples: {line}")
    setattr(current, kind.lower(), text)
    if kind == "TYPE" and text not in SUFFIXES:
        raise ValueError(f"unknown type: {line}")
    if kind == "UNIT" and not name.endswith("_" + text):
        raise ValueError(f"the name does not end with its unit: {line}")
    return current


def sample(current, line):
    match = re.match(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z", line)
    if not match or current is None or current.type is None:
        raise ValueError(f"malformed sample: {line}")
    name, labels, number = match.groups()
    suffix = name[len(current.name):] if name.startswith(current.name) else None
    if suffix not in SUFFIXES[current.type]:
        raise ValueError(f"not a sample of {current.name}: {line}")
    key = suffix, frozenset(labels_of(labels or "", line).items())
    if key in current.samples:
        raise ValueError(f"a series twice: {line}")
    current.samples[key] = number_of(number, line)
    current.order.append(key)
    if current.type in ("counter", "histogram") and current.samples[key] < 0:
        raise ValueError(f"less than nothing: {line}")


def histogram_check(family):
    """Buckets grow, each histogram has +Inf, and that is its count."""
    last = {}
    for suffix, labels in family.order:
        labels = dict(labels)
        bound = labels.pop("le", None)
        series = frozenset(labels.items())
        if (bound is None) == (suffix == "_bucket"):
            raise ValueError(f"{family.name}: le belongs to buckets alone")
        if suffix == "_bucket":
            if bound != "+Inf" and repr(float(bound)) != bound:
                raise ValueError(f"{family.name}: le {bound} is not canonical")
            value = family.samples[suffix, frozenset({**labels, "le": bound}.items())]
            before = last.get(series, (float("-inf"), 0))
            if float(bound) <= before[0] or value < before[1]:
                raise ValueError(f"{family.name}: buckets do not grow at {bound}")
            last[series] = float(bound), value
    for series, (bound, value) in last.items():
        if bound != float("inf") or family.samples.get(("_count", series)) != value or ("_sum", series) not in family.samples:
            raise ValueError(f"{family.name}: a histogram without its whole")


def parse(text):
    families, current = {}, None
    lines = text.split("\n")
    if lines[-2:] != ["# EOF", ""] or "# EOF" in lines[:-2]:
        raise ValueError("# EOF is not the last line")
    for line in lines[:-2]:
        if line.startswith("#"):
            current = metadata(families, line, current)
        else:
            sample(current, line)
    for family in families.values():
        if family.type is None or family.help is None:
            raise ValueError(f"{family.name} has no type or no help")
        if family.type == "histogram":
            histogram_check(family)
    if reference:
        list(reference.text_string_to_metric_families(text))
    return families


def value(families, name, suffix="", **labels):
    return families[name].samples[suffix, frozenset(labels.items())]


def total(families, name, **labels):
    return value(families, name, "_total", **labels)
