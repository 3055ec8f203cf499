"""Pictures of what the benchmark of speed has measured."""

import json


def test_the_pictures(tmp_path, monkeypatch, capsys):
    from reports import speed

    monkeypatch.setenv("SSL_REPORTS", str(tmp_path))
    assert speed.main([]) == 2
    assert "make bench" in capsys.readouterr().err
    bench = [
        {"name": "meta_t/fixmatch", "ratio": 2.1, "target": 2.0, "flops": 2.15, "device": "cpu", "backbone": "wrn28_2"},
        {"name": "flexmatch/fixmatch", "ratio": 1.0, "target": None, "device": "cpu", "backbone": "wrn28_2"},
    ]
    scaling = [
        {"method": m, "axis": "width", "value": v, "seconds": v, "bytes": v * 1e6, "device": "cpu", "depth": 10}
        for m in ("fixmatch", "meta_t")
        for v in (2, 4)
    ]
    (tmp_path / "bench.json").write_text(json.dumps(bench))
    (tmp_path / "scaling.json").write_text(json.dumps(scaling))
    assert speed.main([]) == 0
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("bench.png", "scaling.png"))
