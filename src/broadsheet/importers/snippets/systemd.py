"""A service and a timer (systemd.service(5), systemd.timer(5)), with where to put them."""

from __future__ import annotations

from broadsheet.importers.place import Place, commit, note

POSITION = 2


def snippet(place: Place) -> str:
    """Return the text to install."""
    call = _systemd_words(place.call(*place.command))
    folder = place.project.replace("%", "%%")
    committing = _systemd_words(("/bin/sh", "-c", commit(place)))
    lines = [
        "# ~/.config/systemd/user/broadsheet.service",
        "[Unit]",
        f"Description=Broadsheet in {folder}",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={folder}",
        # A dash: a problem in one article must not hold up the digest.
        f"ExecStart=-{call} build --quiet",
        f"ExecStart={call} digest --quiet",
        *([f"ExecStart={committing}"] if place.commit else []),
        "",
        "# ~/.config/systemd/user/broadsheet.timer",
        f"# {note(place)}",
        "[Unit]",
        "Description=Broadsheet, every quarter of an hour",
        "",
        "[Timer]",
        "OnCalendar=*:0/15",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
        "# Then: systemctl --user enable --now broadsheet.timer",
    ]
    return "\n".join(lines)


def _systemd_words(words: tuple[str, ...]) -> str:
    """Return a command line, quoted as in systemd.service(5), "Command lines"."""
    if set(words[0]) & set("\"'\\$"):  # systemd cannot call a program with such a name; env can
        words = ("/usr/bin/env", *words)
    escaped = (word.replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(
        word
        if word.replace("/", "").replace("-", "").replace(".", "").isalnum()
        else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for word in escaped
    )
