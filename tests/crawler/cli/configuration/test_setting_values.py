"""A setting with an impossible value is refused with a sentence, by every verb."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scrapy.exceptions import UsageError
from scrapy.settings import BaseSettings, Settings
from scrapy.utils.misc import load_object

from crawler.cli.configuration.component_kinds import problem_of_kind
from crawler.cli.configuration.components import _CLASSES, _EARLY_CLASSES, check_components
from crawler.cli.configuration.setting_values import check_values
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("LOG_LEVEL=info", "LOG_LEVEL=info: give INFO"),
        ("LOG_LEVEL=loud", "give one of DEBUG, INFO"),
        ("DOWNLOAD_DELAY=abc", "DOWNLOAD_DELAY=abc: give a number"),
        ("DOWNLOAD_DELAY=nan", "give a number"),
        ("DOWNLOAD_DELAY=-1", "give a number of at least 0"),
        ("RETRY_TIMES=two", "give a whole number"),
        ("CONCURRENT_REQUESTS=0", "give a number of at least 1"),
        ("MEMUSAGE_CHECK_INTERVAL_SECONDS=0", "give a number above 0"),
        ("ROBOTSTXT_OBEY=perhaps", "give 0 or 1"),
        ("RESOLVER_MAP=x", "give an object in JSON"),
    ],
)
@pytest.mark.parametrize("verb", [("crawl", "etoday"), ("show",), ("fetch", "http://x.example/")])
def test_a_wrong_value_is_a_sentence(
    tmp_path: Path, verb: tuple[str, ...], setting: str, sentence: str
) -> None:
    said = Workspace(tmp_path).call(*verb, "-s", setting)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


def defaults() -> Settings:
    """Every setting that Scrapy or we know, with its default."""
    settings = Settings()
    settings.setmodule("crawler.settings")
    return settings


#: Values that are wrong for each kind of default, as text and as a settings module may have them.
WRONG: dict[type, tuple[Any, ...]] = {
    bool: ("perhaps", [1], {"a": 1}),
    int: ("many", "1.5.2", "nan", [1], {"a": 1}, None),
    float: ("long", "inf", [1], {"a": 1}, None),
    str: (7, ["a"], {"a": "b"}),  # no library names a level 7, as uvicorn does 5
    list: (5, {"a": 1}, 1.5),
    dict: ("text", "[1]", 5, ["a"]),
}


def wrong_values() -> list[tuple[str, Any]]:
    """Each setting that has a default with each value that is wrong for it."""
    found = []
    for name, default in defaults().items():
        kind = dict if isinstance(default, BaseSettings) else type(default)
        found += [(str(name), value) for value in WRONG.get(kind, ())]
    return found


def test_no_wrong_value_of_any_known_setting_is_taken() -> None:
    wrong = wrong_values()
    assert len(wrong) > 500
    taken = [pair for pair in wrong if not is_refused(*pair)]
    assert taken == []


def is_refused(name: str, value: Any) -> bool:
    try:
        check_values(BaseSettings({name: value}))
    except UsageError as error:
        return str(error).startswith(f"{name}=")
    return False


def test_every_default_is_taken() -> None:
    check_values(defaults())


#: Values of the right type that no crawl could work with.
IMPOSSIBLE = {
    "ALLOWED_PORTS": "http",
    "DEFAULT_REQUEST_HEADERS": '{"Accept": {"a": 1}}',
    "DOWNLOADER_MIDDLEWARES": '{"a.b": "first"}',
    "DOWNLOAD_SLOTS": '{"www.example.com": 5}',
    "FEEDS": '{"x.csv": {}}',
    "FEED_EXPORT_ENCODING": "utf-9",
    "LOG_DATEFORMAT": ["%Y"],
    "LOG_ENCODING": "hangul",
    "LOG_FILE": "/nowhere/to/be/found/log",
    "LOG_FORMAT": "%(nothing)s",
    "LOG_STDOUT": "1",
    "RESOLVER_MAP": '{"www.example.com": 5}',
    "RETRY_GIVE_UP_LOG_LEVEL": "loud",
    "RETRY_HTTP_CODES": "500,many",
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_value_that_nothing_could_work_with_is_refused(name: str) -> None:
    assert is_refused(name, IMPOSSIBLE[name])


@pytest.mark.parametrize(
    "setting",
    [
        "TWISTED_REACTOR=twisted.internet.selectreactor.SelectReactor",
        "TWISTED_REACTOR=wrong",
        "TWISTED_REACTOR_ENABLED=0",
        "ASYNCIO_EVENT_LOOP=nothing.Here",
        "ASYNCIO_EVENT_LOOP=json.dumps",
        "TWISTED_DNS_RESOLVER=json.JSONDecoder",
        "TWISTED_DNS_RESOLVER=wrong",
        "SPIDER_LOADER_CLASS=json.dumps",
    ],
)
def test_what_no_crawl_can_run_in_is_a_sentence(tmp_path: Path, setting: str) -> None:
    said = Workspace(tmp_path).call("crawl", "etoday", "-s", setting)
    assert said.code == 2
    assert f"error: {setting.partition('=')[0]}"[:22] in said.sentences[-1]
    assert "Traceback" not in said.err


NOT_USABLE = {
    "ALLOWED_PORTS": ("99999", "ALLOWED_PORTS may contain only port numbers"),
    "DOWNLOADER_CLIENT_TLS_CIPHERS": ("none", "names no known cipher"),
    "DOWNLOAD_TLS_MIN_VERSION": ("SSLv2", "not one of TLSv1.0"),
    "EXCHANGE_SINK": ("wrong", "EXCHANGE_SINK: wrong cannot be imported"),
    "FEEDS": ('{"a.docx": {"format": "docx"}}', "there is no format 'docx'; those are csv"),
    "FEED_EXPORTERS": ('{"csv": 5}', "FEED_EXPORTERS: 5 cannot be imported"),
    "RETRY_EXCEPTIONS": ("wrong", "RETRY_EXCEPTIONS: wrong cannot be imported"),
    "SCHEDULER_PRIORITY_QUEUE": ("wrong", "SCHEDULER_PRIORITY_QUEUE: wrong cannot be imported"),
}


@pytest.mark.parametrize("name", NOT_USABLE)
def test_what_a_crawl_cannot_use_is_a_sentence(name: str) -> None:
    value, sentence = NOT_USABLE[name]
    settings = defaults()
    settings.set(name, value, priority="cmdline")
    with pytest.raises(UsageError) as error:
        check_components(settings)
    assert sentence in str(error.value)


#: Settings that name a class, with what can be imported and is none that could be used there.
WRONG_KINDS = {
    "DEFAULT_ITEM_CLASS": ("json.dumps", "json.dumps is no class"),
    "DOWNLOADER": ("json.JSONDecoder", "json.JSONDecoder has no method fetch"),
    "DOWNLOAD_HANDLERS": ('{"https": "json.dumps"}', "json.dumps is no class"),
    "DUPEFILTER_CLASS": ("json.JSONDecoder", "has no method open"),
    "EXCHANGE_SINK": ("json.JSONDecoder", "has no method store"),
    "FEED_EXPORTERS": ('{"csv": "json.dumps"}', "json.dumps is no class"),
    "FEED_STORAGES": ('{"file": "json.JSONDecoder"}', "has no method open"),
    "ITEM_PROCESSOR": ("json.dumps", "json.dumps is no class"),
    "LOG_FORMATTER": ("json.JSONDecoder", "has no method crawled"),
    "REQUEST_FINGERPRINTER_CLASS": ("json.dumps", "json.dumps is no class"),
    "RETRY_EXCEPTIONS": ("json.JSONDecoder", "is no class of exceptions"),
    "ROBOTS_STORE": ("json.dumps", "json.dumps is no class"),
    "SCHEDULER": ("json.JSONDecoder", "has no method enqueue_request"),
    "SCHEDULER_MEMORY_QUEUE": ("json.dumps", "json.dumps is no class"),
    "SCHEDULER_PRIORITY_QUEUE": ("json.JSONDecoder", "has no method push"),
    "SCHEDULER_START_MEMORY_QUEUE": ("json.dumps", "json.dumps is no class"),
    "STATS_CLASS": ("json.JSONDecoder", "has no method get_value"),
}


@pytest.mark.parametrize("name", WRONG_KINDS)
def test_a_class_of_a_wrong_kind_is_a_sentence(name: str) -> None:
    value, sentence = WRONG_KINDS[name]
    settings = defaults()
    settings.set(name, value, priority="cmdline")
    with pytest.raises(UsageError) as error:
        check_components(settings)
    assert str(error.value).startswith(f"{name}: ")
    assert str(error.value).endswith(sentence)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("item_classes", ["json.dumps"], "a.csv: item_classes: json.dumps is no class"),
        ("item_filter", "json.JSONDecoder", "json.JSONDecoder has no method accepts"),
        ("postprocessing", ["json.dumps"], "json.dumps is no class"),
        ("uri_params", "nothing.here", "uri_params: nothing.here cannot be imported"),
    ],
)
def test_what_an_option_of_a_feed_names_is_checked(option: str, value: Any, sentence: str) -> None:
    settings = defaults()
    feed = {"format": "csv", option: value}
    settings.set("FEEDS", json.dumps({"a.csv": feed}), priority="cmdline")
    with pytest.raises(UsageError) as error:
        check_components(settings)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_item_count", "many"),
        ("encoding", "utf-9"),
        ("fields", 5),
        ("indent", "two"),
        ("item_classes", "json.JSONDecoder"),
        ("item_export_kwargs", 5),
        ("overwrite", "yes"),
        ("postprocessing", 5),
        ("store_empty", "no"),
    ],
)
def test_an_option_of_a_feed_of_a_wrong_kind_is_refused(option: str, value: Any) -> None:
    assert is_refused("FEEDS", json.dumps({"a.csv": {"format": "csv", option: value}}))


def test_the_classes_of_scrapy_and_ours_are_of_the_right_kind() -> None:
    settings = Settings()
    settings.setmodule("crawler.settings")
    for name in (*_CLASSES, *_EARLY_CLASSES):
        if name != "DNS_RESOLVER" and settings.get(name):  # which is deprecated
            assert problem_of_kind(name, load_object(settings[name])) == "", name
    for name in ("DOWNLOAD_HANDLERS", "FEED_EXPORTERS", "FEED_STORAGES"):
        for path in filter(None, settings.getwithbase(name).values()):
            assert problem_of_kind(name, load_object(path)) == "", path


def test_a_feed_that_nothing_writes_to_is_a_sentence() -> None:
    settings = defaults()
    settings.set("FEEDS", '{"ftp2://x/a.csv": {"format": "csv"}}', priority="cmdline")
    with pytest.raises(UsageError, match="nothing writes to such an address"):
        check_components(settings)


def test_a_wrong_value_in_the_jobs_file_is_named_with_its_line(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.toml"
    jobs.write_text('[[job]]\noutlet = "etoday"\nsettings = { DOWNLOAD_DELAY = "long" }\n')
    said = Workspace(tmp_path).call("schedule", "--list", "-s", f"JOBS_FILE={jobs}")
    assert said.code == 2
    assert "line 3: settings: DOWNLOAD_DELAY=long: give a number" in said.err


def test_a_wrong_value_of_a_settings_module_or_the_environment_is_a_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.py").write_text("from crawler.settings import *\nDOWNLOAD_DELAY = [1]\n")
    workspace = Workspace(tmp_path)
    paths = f"{tmp_path}:{workspace.environment()['PYTHONPATH']}"
    env = {"SCRAPY_SETTINGS_MODULE": "mine", "PYTHONPATH": paths}
    said = workspace.run("list", env=env)
    assert said.code == 2
    assert said.sentences[-1].endswith("error: DOWNLOAD_DELAY=[1]: give a number")
    said = workspace.run("crawl", "etoday", env={"JOB_SETTINGS": '{"RETRY_TIMES": "two"}'})
    assert said.code == 2
    assert "RETRY_TIMES=two: give a whole number" in said.sentences[-1]


@pytest.mark.parametrize(
    "setting", ["DOWNLOAD_TIMEOUT=2.5", "RETRY_PRIORITY_ADJUST=-1", "LOG_LEVEL=INFO"]
)
def test_a_right_value_is_taken(tmp_path: Path, setting: str) -> None:
    said = Workspace(tmp_path).call("list", "-s", setting)
    assert said.code == 0, said


@pytest.mark.parametrize(
    ("verb", "setting"),
    [
        (("list",), "SPIDER_LOADER_CLASS=nothing.Here"),
        (("fetch", "file:///dev/null"), 'EXTENSIONS={"nothing.Here": 1}'),
    ],
)
def test_what_cannot_be_imported_is_a_sentence(
    tmp_path: Path, verb: tuple[str, ...], setting: str
) -> None:
    said = Workspace(tmp_path).run(*verb, "-s", setting)
    assert said.code == 2
    assert "nothing.Here cannot be imported (ModuleNotFoundError" in said.sentences[-1]
    assert "Traceback" not in said.err
