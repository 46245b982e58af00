"""Attacks on what root does when the server starts: by whoever may write beside its files."""

import server
import world


def links_beside_the_ready_file_are_not_followed(token):
    victim = world.STATE / "precious"
    victim.write_text("precious")
    launched = server.Server(token, "launched", port=2202)
    (launched.directory / "ready.new").symlink_to(victim)
    launched.start()
    try:
        assert victim.read_text() == "precious", "root wrote through a link"
        ready = launched.directory / "ready"
        assert not ready.is_symlink() and "2202" in ready.read_text(), "no list of addresses"
    finally:
        launched.stop()
