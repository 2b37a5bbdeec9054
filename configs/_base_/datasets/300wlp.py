"""300W-LP's 68 points, which are 300W's: its faces, turned by a fitted head model.

MMPose's file declares no mirror pairs, although its config mirrors faces; these are 300W's.
"""

_base_ = ['./300w.py']

dataset_info = dict(
    dataset_name='300wlp',
    paper_info=dict(
        author='Zhu, Xiangyu and Lei, Zhen and Liu, Xiaoming and Shi, Hailin and Li, Stan Z.',
        title='Face Alignment Across Large Poses: A 3D Solution',
        container='IEEE Conference on Computer Vision and Pattern Recognition',
        year='2016',
        homepage='http://www.cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA/main.htm',
    ),
)
