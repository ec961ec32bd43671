"""Snapshots of random markets, made once."""

from collections.abc import Callable

import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_snapshot_from_existing
from tests.reference.random_panels import PanelShape, random_source

Snapshot = Callable[[PanelShape], DataCatalog]


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Gives the snapshot of a random market of the shape asked for. Not to be changed."""
    made: dict[PanelShape, DataCatalog] = {}

    def of(shape: PanelShape) -> DataCatalog:
        if shape not in made:
            folder = tmp_path_factory.mktemp("random")
            source = random_source(shape).write(folder / "source")
            create_snapshot_from_existing(
                source,
                "random",
                folder,
                days_per_year=shape.days_per_year,
                open_cutoff=shape.open_cutoff,
                close_cutoff=shape.close_cutoff,
            )
            made[shape] = DataCatalog("random", root=folder)
        return made[shape]

    return of
