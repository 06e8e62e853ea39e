from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading

import pytest

from ml_connector.errors import SettingInvalid
from ml_connector.transport.token_cache import SharedSession, Token

CREDENTIALS = {"dev_key": "01SECRETKEY", "password": "hidden", "device": None}
LOGIN_PROCESS = """
import sys, time, pathlib
from ml_connector.transport.token_cache import SharedSession, Token
place = pathlib.Path(sys.argv[1])

def login():
    (place / "logins").open("a").write("x")
    time.sleep(0.3)
    return Token("fresh")

session = SharedSession("bill", {"dev_key": "k"}, directory=place)
print(session.renew(Token("stale"), login).value)
"""


@pytest.fixture
def session(tmp_path):
    """A session nobody has opened yet."""
    return SharedSession("bill", CREDENTIALS, directory=tmp_path)


def again(tmp_path, **changes):
    """The same session as another process would see it."""
    return SharedSession("bill", {**CREDENTIALS, **changes}, directory=tmp_path)


def session_file(tmp_path):
    """The one file a session is kept in."""
    (path,) = (path for path in tmp_path.iterdir() if path.suffix != ".lock")
    return path


def test_there_is_nothing_at_first(session):
    """Without a login there is no token."""
    assert session.current() is None
    assert session.idle_seconds() == 0.0


def test_what_a_login_gave_is_seen_by_others(session, tmp_path):
    """Value, end and extras survive the disk."""
    token = Token("abc", dt.datetime(2999, 1, 1, tzinfo=dt.UTC), {"user_id": "syu0"})
    assert session.renew(None, lambda: token) == token
    assert again(tmp_path).current() == token


def test_a_newer_token_of_somebody_else_is_used(session, tmp_path):
    """Whoever comes with a stale token gets the stored one without a login."""
    session.renew(None, lambda: Token("first"))
    other = again(tmp_path)
    stale = other.current()
    session.renew(Token("first"), lambda: Token("second"))
    assert other.renew(stale, lambda: pytest.fail("logged in once too often")).value == "second"


def test_one_login_for_many_threads(session):
    """All threads that find the same token stale share one login."""
    logins, results = [], []

    def login():
        logins.append(1)
        return Token("fresh")

    threads = [
        threading.Thread(target=lambda: results.append(session.renew(Token("stale"), login).value)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(logins), results) == (1, ["fresh"] * 8)


def test_one_login_for_two_processes(tmp_path):
    """Two processes at the same moment log in once."""
    processes = [
        subprocess.Popen([sys.executable, "-c", LOGIN_PROCESS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate()[0] for process in processes] == ["fresh\n", "fresh\n"]
    assert (tmp_path / "logins").read_text() == "x"


def test_a_failed_login_passes_through_and_changes_nothing(session):
    """What the login raises is raised, and the next one may try."""
    with pytest.raises(ConnectionError):
        session.renew(None, lambda: (_ for _ in ()).throw(ConnectionError()))
    assert session.renew(None, lambda: Token("abc")).value == "abc"


def test_an_ended_token_is_none_but_can_be_looked_at(session):
    """A token within its leeway counts as ended; its refresh token can still be had."""
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    session.store(Token("abc", ends, {"refresh_token": "r2"}))
    assert session.current() is None
    assert session.stored().extras["refresh_token"] == "r2"
    assert session.renew(None, lambda: Token("def")).value == "def"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"gAAAAAB", os.urandom(200)])
def test_a_damaged_file_is_as_if_absent(session, tmp_path, content):
    """Whatever lies there, the next login replaces it."""
    session.renew(None, lambda: Token("abc"))
    session_file(tmp_path).write_bytes(content)
    other = again(tmp_path)
    assert other.current() is None
    assert other.renew(None, lambda: Token("def")).value == "def"


def test_a_file_of_other_credentials_is_as_if_absent(session, tmp_path):
    """A session copied over another one's file cannot be read with its key."""
    session.renew(None, lambda: Token("abc"))
    mine = session_file(tmp_path)
    other = again(tmp_path, password="changed")
    other.renew(None, lambda: Token("def"))
    (theirs,) = (path for path in tmp_path.iterdir() if path.suffix != ".lock" and path != mine)
    theirs.write_bytes(mine.read_bytes())
    assert again(tmp_path, password="changed").current() is None


def test_changed_credentials_are_another_session(session, tmp_path):
    """A refresh token the user supplies anew wins over the one kept for the old."""
    session.store(Token("abc"))
    assert again(tmp_path, dev_key="other").stored() is None


def test_nothing_can_be_read_on_disk(session, tmp_path):
    """File names and contents show neither credentials nor token, and belong to the owner alone."""
    session.renew(None, lambda: Token("sesame", extras={"refresh_token": "rotated-token"}))
    path = session_file(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    for hidden in ("sesame", "rotated-token", "01SECRETKEY", "hidden"):
        assert hidden.encode() not in path.read_bytes()
        assert hidden not in path.name


def test_a_token_does_not_show_itself():
    """Neither value nor extras are in the repr."""
    assert "sesame" not in repr(Token("sesame", extras={"refresh_token": "sesame"}))


def test_use_by_any_process_resets_the_idle_time(session, tmp_path):
    """The time since the last use is shared."""
    session.renew(None, lambda: Token("abc"))
    os.utime(session_file(tmp_path), (0, 0))
    assert again(tmp_path).idle_seconds() > 1e9
    session.touch()
    assert again(tmp_path).idle_seconds() < 60


def test_a_session_that_cannot_be_kept_is_told(session, tmp_path, monkeypatch):
    """A full disk is no defect: it is named with the place, and what was there before stays."""
    session.store(Token("first"))

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(SettingInvalid, match="No space left") as caught:
            session.renew(Token("first"), lambda: Token("planted"))
    assert str(tmp_path) in str(caught.value)
    assert "planted" not in str(caught.value)
    assert again(tmp_path).current() == Token("first")
