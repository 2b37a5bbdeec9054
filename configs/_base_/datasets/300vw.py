"""300VW's 68 points, which are 300W's, on the frames of videos."""

_base_ = ['./300w.py']

dataset_info = dict(
    dataset_name='300vw',
    paper_info=dict(
        author='Shen, Jie and Zafeiriou, Stefanos and Chrysos, Grigoris G. and Kossaifi, Jean and '
        'Tzimiropoulos, Georgios and Pantic, Maja',
        title='The First Facial Landmark Tracking in-the-Wild Challenge: Benchmark and Results',
        container='IEEE International Conference on Computer Vision Workshops',
        year='2015',
        homepage='https://ibug.doc.ic.ac.uk/resources/300-VW/',
    ),
)
