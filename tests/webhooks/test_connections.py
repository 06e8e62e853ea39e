"""Places for connections: strangers who sit on theirs keep nobody out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.webhooks.connections import Connections


class Connection:
    """A connection that notes whether it was dropped."""

    def __init__(self, *, under_way=False):
        self.under_way = under_way
        self.dropped = False

    def drop(self):
        self.dropped = True


def admitted(places, address, count, **how):
    """Let some in; returns them."""
    came = [Connection(**how) for _ in range(count)]
    assert all(places.admit(each, address) for each in came)
    return came


def dropped(connections):
    """Return which were dropped, as 0 and 1."""
    return [int(each.dropped) for each in connections]


def test_the_longest_idle_stranger_makes_room():
    """Whoever comes finds a place, however many sit there without saying anything."""
    places = Connections(3, 3)
    came = admitted(places, None, 5)
    assert dropped(came) == [1, 1, 0, 0, 0]
    assert len(places) == 3


def test_an_address_makes_room_from_its_own():
    """A crowd from one address leaves the others alone."""
    places = Connections(100, 2)
    others = admitted(places, "b", 2)
    crowd = admitted(places, "a", 50)
    assert dropped(others) == [0, 0]
    assert sum(dropped(crowd)) == 48


def test_a_proven_connection_goes_last():
    """First those that have proven nothing, then whose proof is the longest ago; also among those of one address."""
    for address in ("a", None):
        places = Connections(3, 3)
        first, second, third = admitted(places, address, 3)
        for each in (first, second, first):
            places.prove(each)
        admitted(places, address, 1, under_way=True)
        assert dropped([first, second, third]) == [0, 0, 1]
        admitted(places, address, 1, under_way=True)
        assert dropped([first, second, third])[:2] == [0, 1]


def test_what_is_under_way_is_not_dropped():
    """Where every place has a whole request under way, the newcomer has to come again."""
    places = Connections(2, 2)
    busy = admitted(places, "a", 1, under_way=True) + admitted(places, "b", 1, under_way=True)
    assert not places.admit(Connection(), "c")
    assert dropped(busy) == [0, 0]
    busy[0].under_way = False
    assert places.admit(Connection(), "c")
    assert dropped(busy) == [1, 0]


@given(
    st.lists(st.tuples(st.sampled_from(["come", "prove", "leave", "busy", "idle"]), st.integers(0, 40), st.booleans()))
)
def test_the_table_holds_whoever_is_in_and_no_more(steps):
    """Whatever happens in whatever order: bounded, and nothing is remembered of those that have left."""
    places, inside = Connections(6, 3), []
    for what, which, named in steps:
        chosen = inside[which % len(inside)] if inside else None
        if what == "come":
            new = Connection()
            if places.admit(new, f"address {which % 3}" if named else None):
                inside.append(new)
        elif chosen is not None:
            if what == "prove":
                places.prove(chosen)
            elif what == "leave":
                places.leave(chosen)
                inside.remove(chosen)
            else:
                chosen.under_way = what == "busy"
        inside = [each for each in inside if not each.dropped]
        assert len(places) == len(inside) <= 6
        assert {each for crowd in places._of.values() for each in crowd} <= set(inside)
        assert all(1 <= len(crowd) <= 3 for crowd in places._of.values())
