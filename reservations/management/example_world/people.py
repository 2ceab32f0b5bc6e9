"""Who there is: people, the organisations they belong to, and the log-ins that are shown."""

from __future__ import annotations

from dataclasses import dataclass

# Everybody's, and printed: this world is an example and says so on every page.
PASSWORD = "equinode example"  # noqa: S105


@dataclass(frozen=True)
class Person:
    key: str
    name: str
    language: str = "en"
    time_zone: str = "Europe/Paris"
    log_in: str = ""  # a short phrase: shown among the log-ins

    @property
    def email(self) -> str:
        return f"{self.key}@example.org"


@dataclass(frozen=True)
class Organisation:
    slug: str
    name: str
    kind: str  # accounts.models.Organisation.Kind
    country: str
    lead: str
    is_public_body: bool


PEOPLE = (
    Person("ada", "Ada Example", log_in="researcher in Protein shapes, a job is booked"),
    Person("lena", "Lena Example", log_in="leads Protein shapes"),
    Person("timo", "Timo Example", language="fr", log_in="student, reads French"),
    Person("carla", "Carla Example", time_zone="Europe/Madrid", log_in="citizen project, birds"),
    Person("omar", "Omar Example", log_in="owns the nodes in Lyon"),
    Person("mila", "Mila Example", log_in="signed up alone: an allowance, a project of her own"),
    Person("stella", "Stella Example", log_in="steward, may open /admin/"),
    Person("ines", "Inês Example", time_zone="Europe/Madrid"),
    Person("noor", "Noor Example", time_zone="Europe/Stockholm"),
    Person(
        "jonas",
        "Jonas Example",
        time_zone="Europe/Stockholm",
        log_in="industry: three no-shows, an appeal",
    ),
    Person("sofia", "Sofia Example", time_zone="Europe/Stockholm"),
    Person("marti", "Martí Example", time_zone="Europe/Madrid"),
    Person(
        "rui",
        "Rui Example",
        time_zone="Europe/Lisbon",
        log_in="owns the nodes in Beja, at the day-ahead price",
    ),
    Person("fatou", "Fatou Example", log_in="gives the grants of three funders"),
)
STEWARD = "stella"
NEWCOMER = "mila"

ORGANISATIONS = (
    Organisation("equinode-example", "Equinode, example site", "operator", "FR", "stella", is_public_body=False),
    # owners
    Organisation("lyon-university", "Example University of Lyon", "owner", "FR", "omar", is_public_body=True),
    Organisation("malar-cooperative", "Example Mälar Cooperative", "owner", "SE", "sofia", is_public_body=False),
    Organisation("girona-institute", "Example Institute of Girona", "owner", "ES", "marti", is_public_body=True),
    Organisation("alentejo-cooperative", "Example Alentejo Cooperative", "owner", "PT", "rui", is_public_body=False),
    # funders
    Organisation("research-agency", "Example Research Agency", "funder", "FR", "fatou", is_public_body=True),
    Organisation("open-science-fund", "Example Open Science Fund", "funder", "SE", "fatou", is_public_body=True),
    Organisation("innovation-office", "Example Innovation Office", "funder", "ES", "fatou", is_public_body=True),
    # laboratories
    Organisation("biology-laboratory", "Example Laboratory of Biology", "lab", "FR", "lena", is_public_body=True),
    Organisation("hydrology-office", "Example Hydrology Office", "lab", "ES", "ines", is_public_body=True),
)  # fmt: skip
