"""The axes that a mirroring turns, named as MMPose names them."""

DIRECTIONS: dict[str, tuple[int, ...]] = {
    'horizontal': (0,),
    'vertical': (1,),
    'diagonal': (0, 1),
}
