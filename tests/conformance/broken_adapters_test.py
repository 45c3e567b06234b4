#!/usr/bin/env python3
"""broken_adapters_test.py PROGRAM: each adapter that breaks a sentence of its contract fails the case for it."""

import subprocess
import sys

FOUND_BY = {  # adapter: case
    "AnswersInsideAppend": "CommitsInAppendOrderNeverInsideAppend",
    "ForgetsAField": "EveryKindOfRecordComesBackAsItWas",
    "AnswersOnAnotherThread": "KeepsCommittedRecordsAcrossReopening",
    "AnswersTwice": "KeepsCommittedRecordsAcrossReopening",
    "CancelsAtItsEnd": "NoCallbackComesAfterDestruction",
    "LetsSmallOnesOvertake": "NothingOvertakesARefusedRecord",
    "CountsWhatIsLeft": "PositionsSurviveTrim",
    "AppliesInsideTheCall": "ApplyAnswersLaterAndIsReadFromThenOn",
    "LetsVersionsFall": "VersionsNeverFall",
    "BeginsAnewEachTime": "EachBeginIsAboveAllEarlierOnes",
    "LoadsAfterItsEnd": "NoCallbackComesAfterDestruction",
    "TellsTheTimeLate": "TheTimeOfASearchIsToldBeforeItsAnswer",
    "AnswersTheLastFirst": "ALookupSeesWhatCameBeforeItAndIsAnsweredInItsTurn",
    "AnswersBeforeItAdds": "FindsWhatWasAddedOnce",
    "AddsBehindTheRemoval": "AnAddIsAnsweredOnceAndEndsWithItsRemoval",
    "AnswersAddTwice": "AnAddIsAnsweredOnceAndEndsWithItsRemoval",
    "AddsAfterItsEnd": "NoAnswerToAnAddComesAfterDestruction",
    "ForgetsInSilence": "ALossIsToldAndWhatIsSaidAfterItIsNotEverything",
    "BelievesItself": "ALossIsToldAndWhatIsSaidAfterItIsNotEverything",
    "DoubtsForEver": "ALossIsToldAndWhatIsSaidAfterItIsNotEverything",
    "TellsEndedGateways": "AGatewayThatHasEndedHearsNothing",
    "KeepsNoCopy": "EverythingOfADeliveryArrivesOnTheLoop",
    "DeliversTwice": "EverythingOfADeliveryArrivesOnTheLoop",
    "DeliversAfterItsEnd": "NoHandlerRunsAfterDestruction",
    "LosesInSilence": "OfAFloodEverythingArrivesOrIsSaidToBeLost",
    "DropsTheNewest": "OfAFloodEverythingArrivesOrIsSaidToBeLost",
    "SaysNoLoss": "ALossIsToldToWhomItMayConcern",
    "CriesWolf": "ALossIsToldToWhomItMayConcern",
    "TellsThoseWhoLeft": "ALossIsToldToWhomItMayConcern",
}


def main(program: str) -> int:
    missed = []
    for adapter, case in FOUND_BY.items():
        run = subprocess.run([program, f"--gtest_filter={adapter}/*.{case}"], capture_output=True, text=True,
                             timeout=60, check=False)
        failures = [line for line in run.stdout.splitlines() if line.startswith(f"[  FAILED  ] {adapter}/")]
        failed = any(f".{case}" in line for line in failures)
        print(f"{adapter}: {'found by' if failed else 'NOT FOUND by'} {case}")
        if not failed:
            missed.append(adapter)
            print(run.stdout[-2000:])
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
