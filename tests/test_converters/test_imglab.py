"""dlib's imglab: boxes with parts become faces, and what is no face is told."""

import json

import numpy as np
import pytest
from PIL import Image

from helpers.label_records import photo, unplaced
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.errors import InputError

HEAD = (
    "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
    "<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>\n"
)
EDGES = "top='4' left='2' width='50' height='30'"


def box(*parts, edges=EDGES, inner=''):
    rows = ''.join(f"<part name='{name}' x='{x}' y='{y}'/>" for name, x, y in parts)
    return f'<box {edges}>{inner}{rows}</box>'


FACE = box(('10', 40, 30), ('9', 30, 20), ('left_eye', 12, 8))


def xml(*boxes, file='a.png', size=''):
    image = f"<image file='{file}'{size}>{''.join(boxes)}</image>"
    return f'{HEAD}<dataset><name>x</name><images>{image}</images></dataset>'


def test_boxes_and_parts(set_of, tmp_path):
    """Names that are not all numbers are in their order as texts; a part that lacks is 0."""
    report, found = set_of('dlib', 'a.xml', xml(FACE, box(('9', 3, 5), ('10', 9, 12))))
    assert report.is_complete
    assert found == [
        [[40, 30, 2], [30, 20, 2], [12, 8, 2]],
        [[9, 12, 2], [3, 5, 2], [0, 0, 0]],
    ]
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    assert content['categories'][0]['keypoints'] == ['10', '9', 'left_eye']
    assert content['annotations'][0]['bbox'] == [2, 4, 50, 30]


def test_boxes_that_are_no_faces(set_of):
    ignored = box(('9', 1, 2), edges=f"{EDGES} ignore='1'")
    kept = box(('9', 30, 20), ('10', 9, 12), edges=f"{EDGES} ignore='0'")
    report, found = set_of('dlib', 'a.xml', xml(ignored, box(), kept))
    assert found == [[[30, 20, 2], [9, 12, 2]]]  # numbers are in their order
    assert report.notes["a box has ignore='1', and is left out"] == ['a.xml: a.png, box 1']
    assert report.unplaced == {'a box has no points': ['a.xml: a.png, box 2']}


def test_boxes_of_another_label(set_of):
    hand = box(('9', 1, 2), ('8', 3, 4), inner='<label>hand</label>')
    face = box(('9', 30, 20), ('10', 9, 12), inner='<label>face</label>')
    _, found = set_of('dlib', 'a.xml', xml(hand, face), category='face')
    assert found == [[[30, 20, 2], [9, 12, 2]]]  # numbers are in their order


def test_a_name_in_utf_8_whatever_the_file_says(tmp_path):
    photo(tmp_path / 'sub' / 'Zoë.png')
    (tmp_path / 'a.xml').write_text(xml(FACE, file='sub/Zoë.png'), encoding='utf-8')
    report = convert_labels('dlib', tmp_path / 'a.xml', None, tmp_path / 'set')
    assert report.sets[0].images == 1


@pytest.mark.parametrize(
    ('encoding', 'name'),
    [
        ('ISO-8859-1', 'Zoë'), ('windows-1252', 'Zoë…'), ('utf-8', 'Zoë'), ('UTF-16', 'Zoë'),
        ('koi8-r', 'Зоя'), ('shift_jis', 'ゾエ'), ('gb18030', '佐伊'),
    ],
)  # fmt: skip
def test_an_encoding_that_is_declared(tmp_path, encoding, name):
    photo(tmp_path / f'{name}.png')
    text = xml(FACE, file=f'{name}.png').replace('ISO-8859-1', encoding)
    (tmp_path / 'a.xml').write_bytes(text.encode(encoding))
    report = convert_labels('dlib', tmp_path / 'a.xml', None, tmp_path / 'set')
    assert report.sets[0].images == 1


@pytest.mark.parametrize('tool', ['dlib', 'cvat'])
@pytest.mark.parametrize(
    ('head', 'message'),
    [
        (
            '<?xml version="1.0"?>\n',
            r'line 2 is not in UTF-8: save it in UTF-8, or begin it with <',
        ),
        ('', r'line 1 is not in UTF-8: save it in UTF-8'),
        ('<?xml version="1.0" encoding="utf-8"?>', "line 1 is not in UTF-8: it declares 'utf-8'"),
        ('<?xml version="1.0" encoding="l33t"?>', "declares the encoding 'l33t', which is unknown"),
    ],
)
def test_another_encoding_is_named(tmp_path, tool, head, message):
    text = head + xml(FACE, file='Zoë.png').removeprefix(HEAD)
    (tmp_path / 'a.xml').write_bytes(text.encode('latin-1'))
    with pytest.raises(InputError, match=rf'a\.xml: {message}'):
        convert_labels(tool, tmp_path / 'a.xml', tmp_path, tmp_path / 'set')


@pytest.mark.parametrize(
    ('size', 'wanted'),
    [('', [9, 20]), (" width='60' height='40'", [9, 20]), (" width='40' height='60'", [20, 30])],
)
def test_a_photograph_that_exif_turns(tmp_path, size, wanted):
    """Imglab shows the pixels as they are stored, unless the size in the file says otherwise."""
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter to the right: at x = 39 - y, y = x
    Image.new('RGB', (60, 40)).save(tmp_path / 'a.jpg', exif=exif)
    text = xml(box(('1', 20, 30), ('2', 9, 10)), file='a.jpg', size=size)
    (tmp_path / 'a.xml').write_text(text)
    convert_labels('dlib', tmp_path / 'a.xml', None, tmp_path / 'set')
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    assert np.reshape(content['annotations'][0]['keypoints'], (-1, 3))[0, :2].tolist() == wanted


def test_a_photograph_of_another_size(set_of):
    with pytest.raises(
        InputError, match=r'another size than its labels, such as a.png \(60x40, not 61x40\)'
    ):
        set_of('dlib', 'a.xml', xml(FACE, size=" width='61' height='40'"))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('<dataset', 'a.xml: is not XML: unclosed token'),
        ('<annotations/>', "a.xml: holds <annotations> and not imglab's <dataset> of <images>"),
        (xml(FACE, file=''), 'a.xml: an <image> has no file'),
        (xml(FACE.replace("x='40'", "x='wide'")), "box 1, part '10': x='wide' is not a number"),
        (xml(FACE.replace(" y='30'", '')), "box 1, part '10': y=None is not a number"),
        (xml(FACE.replace("left='2'", '')), 'a.png, box 1: left=None is not a number'),
        (xml(FACE.replace("'10'", "'9'")), "a.png, box 1: the part '9' appears twice"),
        (xml(FACE.replace("name='9'", '')), 'a.png, box 1: a part has no name'),
        (xml(FACE, size=" width='a' height='3'"), "a.png: width or height='a' is not a number"),
        (xml(), "a.xml': no image has a point"),
    ],
)
def test_what_is_wrong_is_named(set_of, content, message):
    with pytest.raises(InputError, match=message):
        set_of('dlib', 'a.xml', content)


def test_sixty_eight_parts_get_their_names(set_of, tmp_path):
    """dlib's own files call them 00 to 67."""
    rng = np.random.default_rng(0)
    places = rng.integers(5, 35, (68, 2)).tolist()
    face = box(*((f'{i:02}', x, y) for i, (x, y) in enumerate(places)))
    report, found = set_of('dlib', 'a.xml', xml(face), ['300w'])
    assert np.array(found)[0, :, :2].tolist() == places
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    names = content['categories'][0]['keypoints']
    assert (names[0], names[36], names[67]) == ('LeftJaw1', 'LeftEyeOuter', 'LeftInnerLowerLip')
    assert unplaced(report) == {}
