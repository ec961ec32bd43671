import json
import os
import stat
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest

from poc.data.catalog import DataCatalog
from poc.data.create_snapshot import create_lightweight_snapshot, create_snapshot_from_existing
from poc.data.manifest import describe_table
from poc.errors import SnapshotError

Frames = dict[str, pl.DataFrame]
SaveSource = Callable[[Mapping[str, pl.DataFrame]], Path]
MOMENT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def source(source_frames: Frames, save_source: SaveSource) -> Path:
    return save_source(source_frames)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


def test_a_snapshot_holds_the_tables_of_its_source(source: Path, root: Path, source_frames: Frames) -> None:
    path = create_snapshot_from_existing(source, "tiny", root)
    assert path == root / "tiny"
    assert {file.name for file in path.iterdir()} == {
        "manifest.json", "panel", "ret.parquet", "risk.parquet", "trading_date.parquet",
    }  # fmt: skip
    ret = pl.read_parquet(path / "ret.parquet")
    assert ret.equals(source_frames["ret"].cast({"ret": pl.Float32, "adv": pl.Float32}))
    assert pl.read_parquet(path / "risk.parquet").columns[-1] == "cap"


def test_the_manifest_tells_what_and_when(source: Path, root: Path) -> None:
    path = create_snapshot_from_existing(
        source, "tiny", root, "JP", created_at=MOMENT, days_per_year=245, open_cutoff=9, close_cutoff=14.5
    )
    content = json.loads((path / "manifest.json").read_text())
    assert content["snapshot_id"] == "tiny"
    assert content["region"] == "JP"
    assert content["created_at"] == "2026-05-04T03:02:01+00:00"
    assert (content["days_per_year"], content["open_cutoff"], content["close_cutoff"]) == (245, 9, 14.5)
    assert content["synthetic"] is False
    ret = content["tables"]["ret"]
    assert (ret["rows"], ret["securities"], ret["first_date"], ret["last_date"]) == (95, 4, "2020-01-06", "2020-02-14")
    assert content["tables"]["trading_date"]["rows"] == 30


def test_the_moment_of_creation_is_now_unless_it_is_given(source: Path, root: Path) -> None:
    before = datetime.now(UTC)
    create_snapshot_from_existing(source, "tiny", root)
    assert before <= DataCatalog("tiny", root=root).manifest.created_at <= datetime.now(UTC)


def test_a_moment_without_time_zone_is_refused(source: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match="has no time zone"):
        create_snapshot_from_existing(source, "tiny", root, created_at=MOMENT.replace(tzinfo=None))
    assert list(root.iterdir()) == []


def test_a_synthetic_market_is_marked(source: Path, root: Path) -> None:
    create_snapshot_from_existing(source, "tiny", root, synthetic=True)
    manifest = DataCatalog("tiny", root=root).manifest
    assert manifest.synthetic
    assert manifest.limits[0].startswith("The market is synthetic")


def test_a_column_that_is_left_out_is_a_limit(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    source = save_source(source_frames | {"ret": source_frames["ret"].with_columns(ticker=pl.lit("A"))})
    create_snapshot_from_existing(source, "tiny", root)
    assert "Left out of `ret`: ticker." in DataCatalog("tiny", root=root).manifest.limits


def test_the_source_hash_covers_every_byte_of_the_source(
    source_frames: Frames, save_source: SaveSource, root: Path
) -> None:
    hashes, fingerprints = [], []
    source = save_source(source_frames)
    for number, row_group_size in enumerate([100, 100, 10]):
        source_frames["risk"].write_parquet(source / "risk.parquet", row_group_size=row_group_size)
        manifest = DataCatalog(create_snapshot_from_existing(source, f"v{number}", root).name, root=root).manifest
        hashes.append(manifest.source_hash)
        fingerprints.append(manifest.fingerprint)
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(set(fingerprints)) == 1


@pytest.mark.parametrize("name", ["descriptor", "universe"])
def test_the_universe_comes_from_descriptor_or_universe(
    name: str, source_frames: Frames, save_source: SaveSource, root: Path
) -> None:
    flags = source_frames["risk"].select("security_id", as_of_date="date", universe_flag=pl.lit(1), note=pl.lit("x"))
    path = create_snapshot_from_existing(save_source(source_frames | {name: flags}), "tiny", root)
    assert pl.read_parquet(path / "universe.parquet").columns == ["security_id", "date", "universe_flag"]


def test_the_snapshot_is_read_only(source: Path, root: Path) -> None:
    path = create_snapshot_from_existing(source, "tiny", root)
    assert stat.S_IMODE(path.stat().st_mode) == 0o555
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.rglob("*") if file.is_file()} == {0o444}


def test_nothing_else_is_left_in_the_root(source: Path, root: Path) -> None:
    create_snapshot_from_existing(source, "tiny", root)
    assert [path.name for path in root.iterdir()] == ["tiny"]


def test_an_interrupted_creation_leaves_nothing(source: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("poc.data.create_snapshot.describe_table", interrupt)
    with pytest.raises(KeyboardInterrupt):
        create_snapshot_from_existing(source, "tiny", root)
    assert list(root.iterdir()) == []


def test_a_target_that_appears_meanwhile_is_not_overwritten(
    source: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe_while_another_creates(path: Path) -> object:
        (root / "tiny").mkdir(exist_ok=True)
        (root / "tiny" / "theirs").touch()
        return describe_table(path)

    monkeypatch.setattr("poc.data.create_snapshot.describe_table", describe_while_another_creates)
    with pytest.raises(SnapshotError, match=r"tiny cannot be written"):
        create_snapshot_from_existing(source, "tiny", root)
    assert [path.name for path in root.rglob("*")] == ["tiny", "theirs"]


def test_a_root_that_cannot_be_written_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SnapshotError, match="cannot be written"):
        create_snapshot_from_existing(source, "tiny", tmp_path / "file")


def test_an_id_that_is_taken_is_refused(source: Path, root: Path) -> None:
    path = create_snapshot_from_existing(source, "tiny", root, created_at=MOMENT)
    before = (path / "manifest.json").read_bytes()
    with pytest.raises(SnapshotError, match=r"There is a snapshot 'tiny' in .* already; choose another id"):
        create_snapshot_from_existing(source, "tiny", root)
    assert (path / "manifest.json").read_bytes() == before


def test_an_id_that_cannot_be_a_folder_is_refused(source: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match=r"snapshot_id='\.\./tiny' is not allowed"):
        create_snapshot_from_existing(source, "../tiny", root)


def test_a_missing_id_is_the_utc_day_the_region_and_the_first_free_number(source: Path, root: Path) -> None:
    late = datetime(2026, 5, 3, 22, 0, tzinfo=timezone(timedelta(hours=-5)))
    (root / "2026-05-04-JP-v2").mkdir(parents=True)
    names = [create_snapshot_from_existing(source, None, root, "JP", created_at=late).name for _ in range(3)]
    assert names == ["2026-05-04-JP-v1", "2026-05-04-JP-v3", "2026-05-04-JP-v4"]


def test_the_default_root_is_in_the_workspace(source: Path) -> None:
    path = create_snapshot_from_existing(source, "tiny")
    assert path == Path(os.environ["POC_WORKSPACE"]) / "snapshots" / "tiny"


def test_a_source_that_does_not_exist_is_refused(tmp_path: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match=r"There is no folder .*nowhere"):
        create_snapshot_from_existing(tmp_path / "nowhere", "tiny", root)


def test_all_missing_files_are_named(source: Path, root: Path) -> None:
    (source / "risk.parquet").unlink()
    (source / "trading_date.parquet").unlink()
    with pytest.raises(SnapshotError, match=r"holds no risk\.parquet, no trading_date\.parquet\."):
        create_snapshot_from_existing(source, "tiny", root)


def test_a_snapshot_is_no_raw_source(source: Path, root: Path) -> None:
    path = create_snapshot_from_existing(source, "tiny", root)
    with pytest.raises(SnapshotError, match="is a snapshot already"):
        create_snapshot_from_existing(path, "copy", root)


def test_breaches_of_all_tables_are_named_at_once(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    ret = source_frames["ret"]
    source = save_source(
        {
            "ret": pl.concat([ret, ret.head(1)]).with_columns(ret=-2.0),
            "risk": source_frames["risk"].drop("industry_id").with_columns(mcap=float("inf")),
            "trading_date": source_frames["trading_date"].reverse(),
        }
    )
    with pytest.raises(SnapshotError) as caught:
        create_snapshot_from_existing(source, "tiny", root)
    head, *breaches = str(caught.value).split("\n- ")
    assert head == f"{source} cannot become a snapshot:"
    expected = (
        "`industry_id` is missing",
        "infinite",
        "repeat a (security_id, date)",
        "below -1",
        "before the day above",
    )
    assert [sum(words in breach for breach in breaches) for words in expected] == [1, 1, 1, 1, 1]
    assert len(breaches) == 5
    assert not root.exists()


def test_a_jump_passes_when_max_return_is_said(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    source = save_source(source_frames | {"ret": source_frames["ret"].with_columns(ret=12.0)})
    with pytest.raises(SnapshotError, match=r"95 rows; .* say a larger max_return"):
        create_snapshot_from_existing(source, "tiny", root)
    assert create_snapshot_from_existing(source, "tiny", root, max_return=20).is_dir()


def test_a_pickled_calendar_needs_trust(source: Path, root: Path, source_frames: Frames) -> None:
    (source / "trading_date.parquet").unlink()
    source_frames["trading_date"].to_pandas().to_pickle(source / "trading_date.pkl")
    with pytest.raises(SnapshotError, match=r"trading_date\.pkl is a pickle"):
        create_snapshot_from_existing(source, "tiny", root)
    with pytest.warns(UserWarning, match="can run code"):
        path = create_snapshot_from_existing(source, "tiny", root, trust_pickle=True)
    assert pl.read_parquet(path / "trading_date.parquet")["date"].equals(source_frames["trading_date"]["date"])


def test_a_pickle_beside_a_parquet_file_is_not_opened(source: Path, root: Path) -> None:
    (source / "trading_date.pkl").write_bytes(b"would fail if it were opened")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        create_snapshot_from_existing(source, "tiny", root, trust_pickle=True)


def test_ids_that_are_text_are_kept(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    text = pl.concat_str(pl.lit("S-0"), "security_id").alias("security_id")
    named = {name: source_frames[name].with_columns(text) for name in ("ret", "risk")}
    create_snapshot_from_existing(save_source(source_frames | named), "tiny", root)
    catalog = DataCatalog("tiny", root=root)
    catalog.verify()
    assert catalog.security_ids.tolist() == ["S-01", "S-02", "S-03", "S-04"]


def test_a_lightweight_snapshot_holds_the_most_traded_securities(source: Path, root: Path) -> None:
    path = create_lightweight_snapshot(source, 2, "2020-01-13", "2020-01-31", "light", root)
    ret, risk, days = (pl.read_parquet(path / f"{name}.parquet") for name in ("ret", "risk", "trading_date"))
    assert set(ret["security_id"]) == set(risk["security_id"]) == {2, 3}  # 4, the most traded, ended before
    assert (ret["date"].min(), ret["date"].max()) == (date(2020, 1, 13), date(2020, 1, 31))
    assert days["n"].to_list() == list(range(1, 16))
    limits = DataCatalog("light", root=root).manifest.limits
    assert limits[0].startswith("Only the 2 securities with the largest median `adv` from 2020-01-13 to 2020-01-31")


def test_the_median_decides_and_ties_go_by_security(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    spike = pl.when(pl.col("security_id") == 1, pl.col("date") == date(2020, 1, 20)).then(1e12).otherwise(5.0)
    source = save_source(source_frames | {"ret": source_frames["ret"].with_columns(adv=spike)})
    path = create_lightweight_snapshot(source, 2, snapshot_id="light", output_dir=root)
    assert set(pl.read_parquet(path / "ret.parquet")["security_id"]) == {1, 2}
    ends = pl.when(pl.col("security_id") != 1).then(5.0).otherwise(spike - 1)
    source = save_source(source_frames | {"ret": source_frames["ret"].with_columns(adv=ends)})
    path = create_lightweight_snapshot(source, 2, snapshot_id="other", output_dir=root)
    assert set(pl.read_parquet(path / "ret.parquet")["security_id"]) == {2, 3}


def test_adv_may_stand_in_the_risk_table(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    risk = source_frames["risk"].with_columns(adv=pl.col("security_id") * 1e6)
    source = save_source(source_frames | {"ret": source_frames["ret"].drop("adv"), "risk": risk})
    path = create_lightweight_snapshot(source, 1, date(2020, 1, 6), snapshot_id="light", output_dir=root)
    assert set(pl.read_parquet(path / "ret.parquet")["security_id"]) == {4}


def test_cap_is_made_before_the_choice(source: Path, root: Path) -> None:
    path = create_lightweight_snapshot(source, 1, "2020-01-13", snapshot_id="light", output_dir=root)
    whole = pl.read_parquet(create_snapshot_from_existing(source, "whole", root) / "risk.parquet")
    found = pl.read_parquet(path / "risk.parquet")
    assert found.equals(whole.filter(pl.col("security_id") == 3, pl.col("date") >= date(2020, 1, 13)))


def test_all_securities_are_taken_where_there_are_fewer(source: Path, root: Path) -> None:
    path = create_lightweight_snapshot(source, 50, snapshot_id="light", output_dir=root)
    assert pl.read_parquet(path / "ret.parquet")["security_id"].n_unique() == 4


def test_a_part_of_a_snapshot_takes_over_its_settings(
    source_frames: Frames, save_source: SaveSource, root: Path
) -> None:
    flags = source_frames["risk"].select("security_id", "date", universe_flag=pl.lit(1))
    source = save_source(source_frames | {"descriptor": flags})
    whole = create_snapshot_from_existing(
        source, "whole", root, "JP", synthetic=True, days_per_year=245, open_cutoff=9, close_cutoff=14
    )
    create_lightweight_snapshot(whole, 2, "2020-01-06", snapshot_id="part", output_dir=root, region="JP")
    part = DataCatalog("part", root=root).manifest
    assert (part.region, part.synthetic, part.days_per_year, part.open_cutoff, part.close_cutoff) == (
        "JP", True, 245, 9, 14,
    )  # fmt: skip
    assert part.tables["universe"].securities == 2


def test_a_part_of_a_snapshot_of_another_region_is_refused(source: Path, root: Path) -> None:
    whole = create_snapshot_from_existing(source, "whole", root, "JP")
    with pytest.raises(SnapshotError, match="is of region 'JP', not 'US'"):
        create_lightweight_snapshot(whole, 2, snapshot_id="part", output_dir=root)


def test_a_part_of_a_damaged_snapshot_is_refused(source: Path, root: Path, source_frames: Frames) -> None:
    whole = create_snapshot_from_existing(source, "whole", root)
    (whole / "ret.parquet").chmod(0o644)
    source_frames["ret"].write_parquet(whole / "ret.parquet")
    with pytest.raises(SnapshotError, match="changed: ret"):
        create_lightweight_snapshot(whole, 2, snapshot_id="part", output_dir=root)


@pytest.mark.parametrize(
    ("start", "end"), [("2020-03-01", None), ("2020-01-20", "2020-01-10"), ("2019-01-01", "2020-01-05")]
)
def test_a_span_without_data_shows_the_range_of_the_source(
    start: str, end: str | None, source: Path, root: Path
) -> None:
    with pytest.raises(SnapshotError, match=rf"no data from {start} .* runs from 2020-01-06 to 2020-02-14\. Choose"):
        create_lightweight_snapshot(source, 2, start, end, output_dir=root)


def test_a_start_that_is_no_date_is_refused(source: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match="start_date='01/02/2020' is no date; allowed: a day such as"):
        create_lightweight_snapshot(source, 2, "01/02/2020", output_dir=root)


def test_no_securities_are_no_snapshot(source: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match="n_securities=0 is not allowed; allowed: 1 or more"):
        create_lightweight_snapshot(source, 0, output_dir=root)


def test_a_choice_by_adv_needs_adv(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    source = save_source(source_frames | {"ret": source_frames["ret"].with_columns(adv=pl.lit(None, pl.Float64))})
    with pytest.raises(SnapshotError, match="Every `adv` is missing between these dates"):
        create_lightweight_snapshot(source, 2, output_dir=root)
    source = save_source(source_frames | {"ret": source_frames["ret"].drop("adv")})
    with pytest.raises(SnapshotError, match="Neither ret nor risk has the column `adv`"):
        create_lightweight_snapshot(source, 2, output_dir=root)


def test_a_choice_that_empties_a_table_is_refused(source_frames: Frames, save_source: SaveSource, root: Path) -> None:
    flags = source_frames["risk"].filter(pl.col("security_id") == 1).select("security_id", "date", universe_flag=1)
    source = save_source(source_frames | {"universe": flags})
    with pytest.raises(SnapshotError, match=r"The 2 most traded securities have no row in universe\. Choose more"):
        create_lightweight_snapshot(source, 2, output_dir=root)


def test_real_data_become_a_snapshot(real_data: Path, root: Path) -> None:
    create_snapshot_from_existing(real_data, "us-large", root)
    catalog = DataCatalog("us-large", root=root)
    catalog.verify()
    tables = catalog.manifest.tables
    assert [(name, tables[name].rows) for name in tables] == [
        ("ret", 1_769_564), ("risk", 1_769_564), ("trading_date", 3_202), ("universe", 1_769_564),
    ]  # fmt: skip
    assert (tables["ret"].securities, tables["ret"].first_date, tables["ret"].last_date) == (
        586, date(2005, 2, 25), date(2017, 11, 10),
    )  # fmt: skip
    assert catalog.manifest.limits[0].startswith("Survivorship: none of the 586 securities ends")


def test_the_default_start_lies_after_the_real_data(real_data: Path, root: Path) -> None:
    with pytest.raises(SnapshotError, match="the source runs from 2005-02-25 to 2017-11-10"):
        create_lightweight_snapshot(real_data, output_dir=root)
