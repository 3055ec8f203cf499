"""Image files of every kind, as arrays of one size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.data.files import pictures
from benchmarks.data.pictures import channels, read, read_all
from benchmarks.errors import DataError


def noise(h: int, w: int, *depth: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (h, w, *depth), dtype=np.uint8)


def saved(path: Path, image: Image.Image, **how: object) -> Path:
    image.save(path, **how)
    return path


@pytest.mark.parametrize("depth", [(), (3,)])
def test_an_image_as_it_is(depth: tuple[int, ...], tmp_path: Path) -> None:
    x = noise(5, 7, *depth)
    path = saved(tmp_path / "a.png", Image.fromarray(x))
    assert channels(path) == (depth or (1,))[0]
    assert np.array_equal(read(path, channels(path), None), x.reshape(5, 7, -1))
    assert np.array_equal(read(path, channels(path), (5, 7)), x.reshape(5, 7, -1))


def test_grey_in_colour_and_colour_in_grey(tmp_path: Path) -> None:
    grey, colour = noise(4, 4), noise(4, 4, 3)
    grey_file = saved(tmp_path / "g.png", Image.fromarray(grey))
    colour_file = saved(tmp_path / "c.png", Image.fromarray(colour))
    assert np.array_equal(read(grey_file, 3, None), np.repeat(grey[..., None], 3, 2))
    luma = colour.astype(int) @ (299, 587, 114) / 1000
    assert np.abs(read(colour_file, 1, None)[..., 0] - luma).max() <= 1


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    x = noise(4, 4, 4)
    x[..., 3] = 255
    x[0, :, 3] = 0
    found = read(saved(tmp_path / "a.png", Image.fromarray(x, "RGBA")), 3, None)
    assert (found[0] == 255).all() and np.array_equal(found[1:], x[1:, :, :3])
    palette = Image.fromarray(noise(4, 4) % 2, "P")
    palette.putpalette([10, 20, 30, 200, 100, 50])
    found = read(saved(tmp_path / "p.png", palette, transparency=0), 3, None)
    clear = np.asarray(palette) == 0
    assert (found[clear] == 255).all() and (found[~clear] == (200, 100, 50)).all()
    grey = Image.fromarray(np.stack([noise(4, 4), np.zeros((4, 4), np.uint8)], -1), "LA")
    path = saved(tmp_path / "la.png", grey)
    assert channels(path) == 1 and (read(path, 1, None) == 255).all()


def test_sixteen_bits(tmp_path: Path) -> None:
    x = np.array([[0, 257, 65535], [514, 128 * 257, 300]], np.uint16)
    path = saved(tmp_path / "a.png", Image.fromarray(x))
    assert channels(path) == 1
    assert read(path, 1, None)[..., 0].tolist() == [[0, 1, 255], [2, 128, 1]]


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    x = noise(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    path = saved(tmp_path / "a.png", Image.fromarray(x), exif=exif)
    assert np.array_equal(read(path, 3, None), np.rot90(x, -1))


@pytest.mark.parametrize(("h", "w"), [(20, 60), (60, 20)])
def test_the_centre_is_cut_out_and_scaled(h: int, w: int, tmp_path: Path) -> None:
    x = np.full((h, w), 255, np.uint8)
    centre = slice((h - 20) // 2, (h + 20) // 2), slice((w - 20) // 2, (w + 20) // 2)
    x[centre] = noise(20, 20)
    path = saved(tmp_path / "a.png", Image.fromarray(x))
    assert np.array_equal(read(path, 1, (20, 20))[..., 0], x[centre])
    assert abs(read(path, 1, (1, 1)).item() - x[centre].mean()) < 20
    assert read(path, 1, (6, 4)).shape == (6, 4, 1)


def test_a_folder_is_searched_in_order(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "b/10.jpg", "a.jpeg", ".hidden/c.png", "notes.txt", "b/.d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in pictures(tmp_path)] == ["a.jpeg", "b/10.jpg", "b/2.PNG"]


def test_faulty_files_are_named(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.png", Image.fromarray(noise(9, 9, 3)))
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:-150])
    bad = [tmp_path / f"{k}.png" for k in range(4)]
    for path in bad:
        path.write_text("text")
    assert len(read_all([good, good], 3, (4, 4))) == 2
    with pytest.raises(DataError) as caught:
        read_all([good, cut, good, *bad], 3, (4, 4))
    words = str(caught.value)
    assert "\n" not in words and words.endswith("and 2 more: remove these files, or replace them")
    assert all(str(path) in words for path in (cut, *bad[:2])) and str(good) not in words
