"""What an hour of video costs on Lambda, by the processor time that was measured."""

DOLLARS_A_GIBIBYTE_SECOND = 0.0000166667
"""AWS Lambda, x86, us-east-1, first tier, as published in 2024: https://aws.amazon.com/lambda/pricing/."""

DOLLARS_A_REQUEST = 0.20 / 1_000_000

MEBIBYTES_A_PROCESSOR = 1769
"""Of memory, for which Lambda gives the time of one whole processor."""


def cents_an_hour(cpu_seconds: float, video_seconds: float) -> float:
    """US cents for an hour of video, of which `video_seconds` took `cpu_seconds`.

    All processors are taken to be busy all the time: those that wait are paid for as well, so this is the least.
    """
    gibibyte_seconds = cpu_seconds * MEBIBYTES_A_PROCESSOR / 1024
    return 100 * (gibibyte_seconds * DOLLARS_A_GIBIBYTE_SECOND * 3600 / video_seconds + DOLLARS_A_REQUEST)
