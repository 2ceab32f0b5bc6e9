"""Nine projects, at least one of each class; their places in the share tree, their grants, their habits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """An inner vertex of the share tree, below `parent` (empty: the root). Without shares it uses its parent’s."""

    name: str
    parent: str
    shares: int | None
    organisation: str = ""  # whose leads open projects below it


@dataclass(frozen=True)
class Grant:
    funder: str
    name: str
    purpose: str
    euros: int
    days_left: int  # after the day the world begins; it began 300 days before its end


@dataclass(frozen=True)
class Habit:
    """What a project usually books: a machine, how many devices, for how long, how often a week."""

    machine: str
    devices: tuple[int, int]  # at least, at most
    hours: tuple[int, ...]
    a_week: int
    by_night: bool = False


@dataclass(frozen=True)
class Project:
    slug: str
    name: str
    summary: str
    project_class: str
    account: str
    shares: int
    lead: str
    members: tuple[str, ...]
    uses_public_money: bool
    organisation: str = ""
    grants: tuple[Grant, ...] = ()
    habits: tuple[Habit, ...] = ()


INDEPENDENT_SHARES = 10  # of the account that personal projects share, beside those right below the root
ENTRUSTED_FOR = "The laboratory speaks for the life sciences of this example."
ACCOUNTS = (
    Account("Research", "", 60),
    Account("Life sciences", "Research", 60, organisation="biology-laboratory"),
    Account("Climate", "Research", 40),
    Account("Oceans and ice", "Climate", None),  # its projects compete in Climate
    Account("Society", "", 30),
    Account("Education", "Society", 40),
    Account("Citizens and public service", "Society", 60),
    Account("Citizen science", "Citizens and public service", 1),
    Account("Public service", "Citizens and public service", 2),
    Account("Enterprise", "", 10),
)

PROJECTS = (
    Project(
        slug="protein-shapes", name="Protein shapes", project_class="research", account="Life sciences", shares=3,
        summary="Which shapes membrane proteins take, and which of them bind.",
        lead="lena", members=("ada",), uses_public_money=True, organisation="biology-laboratory",
        grants=(
            Grant("research-agency", "2026-17", "Structures of membrane proteins", 14_000, 40),
            Grant("open-science-fund", "Open models", "Published models and their weights", 4_000, 200),
        ),
        habits=(
            Habit("lyon-h100", (2, 6), (12, 24, 48), 6),
            Habit("lyon-a100", (2, 6), (12, 24, 60), 4, by_night=True),
            Habit("vasteras-h200", (2, 4), (12, 24), 2),
        ),
    ),
    Project(
        slug="ocean-eddies", name="Ocean eddies", project_class="research", account="Oceans and ice", shares=1,
        summary="Eddies too small for the models that forecast the oceans.", lead="sofia", members=(),
        uses_public_money=True,
        grants=(Grant("open-science-fund", "Eddies 3", "Resolving eddies in ocean models", 12_000, 260),),
        habits=(
            Habit("vasteras-mi300x", (4, 8), (24, 48), 3),
            Habit("vasteras-h200", (2, 6), (12, 24, 48), 3),
            Habit("vasteras-rtx6000", (1, 2), (12,), 2),
        ),
    ),
    Project(
        slug="machine-learning-course", name="Machine learning course", project_class="student",
        account="Education", shares=1, summary="Practical work of a master’s course, 60 students.",
        lead="timo", members=(), uses_public_money=True,
        grants=(Grant("research-agency", "Course 2026", "Practical work of the course", 1_800, 120),),
        habits=(Habit("lyon-l4", (4, 8), (4, 8, 24), 6), Habit("girona-a40", (1, 2), (4, 12), 2)),
    ),
    Project(
        slug="bird-song-atlas", name="Bird song atlas", project_class="citizen",
        account="Citizen science", shares=1, summary="Who sings where: recordings by 4,000 volunteers.",
        lead="carla", members=(), uses_public_money=True,
        grants=(Grant("open-science-fund", "Atlas", "Recognising birds in volunteers’ recordings", 1_500, 90),),
        habits=(
            Habit("girona-a40", (1, 3), (10, 24), 3, by_night=True),
            Habit("vasteras-rtx6000", (1, 2), (10, 36), 3, by_night=True),
        ),
    ),
    Project(
        slug="flood-maps", name="Flood maps", project_class="public", account="Public service", shares=1,
        summary="Hourly maps of where rivers will rise.", lead="ines", members=(), uses_public_money=True,
        organisation="hydrology-office",
        grants=(Grant("innovation-office", "Maps 2026", "Early warning for the river basins", 4_500, 150),),
        habits=(
            Habit("girona-epyc", (1, 1), (8, 12, 24), 3, by_night=True),
            Habit("girona-h100nvl", (1, 4), (12, 24, 36), 4),
            Habit("vasteras-mi300x", (2, 4), (24,), 1),
            Habit("beja-l40s", (1, 3), (4, 6), 4),
        ),
    ),
    Project(
        slug="reading-aloud", name="Reading aloud", project_class="startup", account="Enterprise", shares=2,
        summary="Voices for people who cannot read print.", lead="noor", members=(), uses_public_money=False,
        grants=(Grant("innovation-office", "Voucher 88", "First models of a young company", 7_000, 60),),
        habits=(Habit("vasteras-mi300x", (2, 4), (12, 24), 2), Habit("lyon-l40s", (1, 3), (8, 24), 3)),
    ),
    Project(
        slug="gear-wear", name="Gear wear", project_class="industry", account="Enterprise", shares=1,
        summary="When gears fail, from how they sound.", lead="jonas", members=(), uses_public_money=False,
        grants=(Grant("innovation-office", "Joint study 4", "Half of a study with a university", 6_500, 110),),
        habits=(Habit("vasteras-h200", (2, 4), (12, 24), 2), Habit("lyon-l40s", (1, 2), (12,), 2)),
    ),
    Project(
        slug="wind-tomorrow", name="Wind tomorrow", project_class="startup", account="Enterprise", shares=1,
        summary="How much a wind farm will give tomorrow.", lead="noor", members=("jonas",),
        uses_public_money=False,
        grants=(Grant("innovation-office", "Voucher 91", "A forecast for small wind farms", 2_500, 90),),
        habits=(Habit("girona-epyc", (1, 1), (4, 8), 1), Habit("girona-l40s", (1, 2), (8, 12), 2)),
    ),
    Project(
        # A trial to which nobody gave shares: its room is the least there is, a whole node for eight hours.
        slug="gear-sounds", name="Gear sounds", project_class="industry", account="Enterprise", shares=0,
        summary="Whether a microphone hears wear before people do: a trial.", lead="jonas", members=("noor",),
        uses_public_money=False,
        grants=(Grant("innovation-office", "Trial 12", "A few days of trying out", 300, 80),),
    ),
)  # fmt: skip
