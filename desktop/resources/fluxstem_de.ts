<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>Fluxstem</name>
    <message><source>&amp;Edit</source><translation>&amp;Bearbeiten</translation></message>
    <message><source>&amp;File</source><translation>&amp;Datei</translation></message>
    <message><source>&amp;Help</source><translation>&amp;Hilfe</translation></message>
    <message><source>&amp;Play</source><translation>&amp;Wiedergabe</translation></message>
    <message><source>&amp;View</source><translation>&amp;Ansicht</translation></message>
    <message><source>4096 (safest)</source><translation>4096 (am sichersten)</translation></message>
    <message><source>A change is heard after about {all} ms: {ring} in the buffer, {device} in the device.</source><translation>Eine Änderung ist nach etwa {all} ms zu hören: {ring} im Puffer, {device} im Gerät.</translation></message>
    <message><source>A few words; commas part several stems (Ctrl+L)</source><translation>Ein paar Worte; Kommas trennen mehrere Spuren (Strg+L)</translation></message>
    <message><source>A stem</source><translation>Eine Spur</translation></message>
    <message><source>Add a folder …</source><translation>Ordner hinzufügen …</translation></message>
    <message><source>Add an example</source><translation>Beispiel hinzufügen</translation></message>
    <message><source>Add an example …</source><translation>Beispiel hinzufügen …</translation></message>
    <message><source>Advanced</source><translation>Mehr</translation></message>
    <message><source>Allowed are {track}, {stem}, {take}, {bundle} and {nr}</source><translation>Erlaubt sind {track}, {stem}, {take}, {bundle} und {nr}</translation></message>
    <message><source>Any audio or video file. It stays on this machine and is never changed.</source><translation>Jede Audio- oder Videodatei. Sie bleibt auf diesem Rechner und wird nie verändert.</translation></message>
    <message><source>Any machine of this network that knows the token can make this one work, read audio files below your home folder and write results. Use it only in a network you trust.</source><translation>Jeder Rechner dieses Netzes, der das Kennwort weiß, kann diesen arbeiten lassen, Audiodateien in Ihrem Benutzerordner lesen und Ergebnisse schreiben. Nur in einem Netz benutzen, dem Sie trauen.</translation></message>
    <message><source>Arrange</source><translation>Arrangieren</translation></message>
    <message><source>As the system</source><translation>Wie das System</translation></message>
    <message><source>Ask again</source><translation>Noch einmal</translation></message>
    <message><source>Back a second</source><translation>Eine Sekunde zurück</translation></message>
    <message><source>Buffer, frames</source><translation>Puffer, Frames</translation></message>
    <message><source>Bundle</source><translation>Modell</translation></message>
    <message><source>Bundles</source><translation>Modelle</translation></message>
    <message><source>Cache, at most</source><translation>Zwischenspeicher, höchstens</translation></message>
    <message><source>Cancel</source><translation>Abbrechen</translation></message>
    <message><source>Candidates</source><translation>Varianten</translation></message>
    <message><source>Check this machine …</source><translation>Diesen Rechner prüfen …</translation></message>
    <message><source>Choose a task</source><translation>Aufgabe wählen</translation></message>
    <message><source>Choose what is made</source><translation>Wählen, was entsteht</translation></message>
    <message><source>Choose …</source><translation>Wählen …</translation></message>
    <message><source>Clean up now</source><translation>Jetzt aufräumen</translation></message>
    <message><source>Clear</source><translation>Leeren</translation></message>
    <message><source>Click to play from here, drag to choose a region, Ctrl+wheel to zoom</source><translation>Klicken spielt ab hier, Ziehen wählt einen Bereich, Strg+Rad vergrößert</translation></message>
    <message><source>Click to play from here; the wheel zooms</source><translation>Klicken spielt ab hier; das Rad vergrößert</translation></message>
    <message><source>Close</source><translation>Schließen</translation></message>
    <message><source>Close this message</source><translation>Meldung schließen</translation></message>
    <message><source>Closer</source><translation>Näher</translation></message>
    <message><source>Colour</source><translation>Farbe</translation></message>
    <message><source>Colours of the window</source><translation>Farben des Fensters</translation></message>
    <message><source>Compare with the original (1, 2, 3), solo, mute, loop a region.</source><translation>Mit dem Original vergleichen (1, 2, 3), Solo, Stumm, Bereich wiederholen.</translation></message>
    <message><source>Copy</source><translation>Kopieren</translation></message>
    <message><source>Copy path</source><translation>Pfad kopieren</translation></message>
    <message><source>Copy path of the lane</source><translation>Pfad der Spur kopieren</translation></message>
    <message><source>Copy path, open in folder, export, colour, remove</source><translation>Pfad kopieren, im Ordner zeigen, exportieren, Farbe, entfernen</translation></message>
    <message><source>Credits</source><translation>Dank an</translation></message>
    <message><source>DAW bridge</source><translation>DAW-Brücke</translation></message>
    <message><source>Dark</source><translation>Dunkel</translation></message>
    <message><source>Details</source><translation>Einzelheiten</translation></message>
    <message><source>Device</source><translation>Gerät</translation></message>
    <message><source>Do it</source><translation>Ausführen</translation></message>
    <message><source>Drag it out</source><translation>Herausziehen</translation></message>
    <message><source>Drag the file out</source><translation>Datei herausziehen</translation></message>
    <message><source>Drag this stem into your DAW or a folder, as a file (Ctrl+Shift+C copies its path)</source><translation>Diese Spur als Datei in die DAW oder einen Ordner ziehen (Strg+Umschalt+C kopiert ihren Pfad)</translation></message>
    <message><source>Drop a mix here</source><translation>Einen Mix hierher ziehen</translation></message>
    <message><source>Earlier</source><translation>Früher</translation></message>
    <message><source>Engine</source><translation>Engine</translation></message>
    <message><source>Engine runs on</source><translation>Engine läuft auf</translation></message>
    <message><source>Engine starts when needed</source><translation>Engine startet bei Bedarf</translation></message>
    <message><source>Example</source><translation>Beispiel</translation></message>
    <message><source>Examples</source><translation>Beispiele</translation></message>
    <message><source>Export</source><translation>Exportieren</translation></message>
    <message><source>Export …</source><translation>Exportieren …</translation></message>
    <message><source>Extend</source><translation>Fortsetzen</translation></message>
    <message><source>Farther</source><translation>Weiter weg</translation></message>
    <message><source>Fastest that works</source><translation>Das schnellste, das geht</translation></message>
    <message><source>Filtered by the flow alone</source><translation>Nur vom Fluss gefiltert</translation></message>
    <message><source>Filtered keeps your phase and sums to the mix exactly</source><translation>Gefiltert bleibt die Phase Ihre und die Summe genau der Mix</translation></message>
    <message><source>First steps</source><translation>Erste Schritte</translation></message>
    <message><source>Fit region or everything</source><translation>Bereich oder alles zeigen</translation></message>
    <message><source>Fluxstem was ended before {title} was closed; here it is as it was last.</source><translation>Fluxstem wurde beendet, bevor {title} geschlossen war; hier ist der letzte Stand.</translation></message>
    <message><source>Folder</source><translation>Ordner</translation></message>
    <message><source>Folder for the files</source><translation>Ordner für die Dateien</translation></message>
    <message><source>Folder of a bundle</source><translation>Ordner eines Modells</translation></message>
    <message><source>For clips that a DAW sent over OSC</source><translation>Für Clips, die eine DAW über OSC geschickt hat</translation></message>
    <message><source>Format</source><translation>Format</translation></message>
    <message><source>From the next start on</source><translation>Ab dem nächsten Start</translation></message>
    <message><source>Gain</source><translation>Pegel</translation></message>
    <message><source>Gain in dB; double click for 0</source><translation>Pegel in dB; Doppelklick für 0</translation></message>
    <message><source>General</source><translation>Allgemein</translation></message>
    <message><source>Generate</source><translation>Erzeugen</translation></message>
    <message><source>Got it</source><translation>Verstanden</translation></message>
    <message><source>Guidance</source><translation>Führung</translation></message>
    <message><source>Hear the original</source><translation>Original hören</translation></message>
    <message><source>Hear the stems</source><translation>Spuren hören</translation></message>
    <message><source>Hear this lane alone (S)</source><translation>Nur diese Spur hören (S)</translation></message>
    <message><source>Hear what was taken out</source><translation>Hören, was herausgenommen wurde</translation></message>
    <message><source>How far from the old sound; a double click leaves it to the bundle</source><translation>Wie weit weg vom alten Klang; ein Doppelklick überlässt es dem Modell</translation></message>
    <message><source>How hard the prompt pushes</source><translation>Wie stark die Worte drängen</translation></message>
    <message><source>Inpaint</source><translation>Füllen</translation></message>
    <message><source>Isolate</source><translation>Herauslösen</translation></message>
    <message><source>Keep the region</source><translation>Bereich behalten</translation></message>
    <message><source>Keep the region, choose one more</source><translation>Bereich behalten, noch einen wählen</translation></message>
    <message><source>Keep this region and choose one more (Ctrl+R)</source><translation>Diesen Bereich behalten und noch einen wählen (Strg+R)</translation></message>
    <message><source>Lane</source><translation>Spur</translation></message>
    <message><source>Lane above</source><translation>Spur darüber</translation></message>
    <message><source>Lane below</source><translation>Spur darunter</translation></message>
    <message><source>Language</source><translation>Sprache</translation></message>
    <message><source>Larger is safer on a busy machine; solo and mute stay as quick</source><translation>Größer ist sicherer, wenn der Rechner viel zu tun hat; Solo und Stumm bleiben gleich schnell</translation></message>
    <message><source>Later</source><translation>Später</translation></message>
    <message><source>Left or right; double click for the middle</source><translation>Links oder rechts; Doppelklick für die Mitte</translation></message>
    <message><source>Licence</source><translation>Lizenz</translation></message>
    <message><source>Light</source><translation>Hell</translation></message>
    <message><source>Listen before you save</source><translation>Erst hören, dann sichern</translation></message>
    <message><source>Look again</source><translation>Noch einmal nachsehen</translation></message>
    <message><source>Look for what an example shows; drop it here. This bundle takes</source><translation>Suchen, was ein Beispiel zeigt; hier ablegen. Dieses Modell nimmt</translation></message>
    <message><source>Look for what these show</source><translation>Suchen, was diese zeigen</translation></message>
    <message><source>Loop the region</source><translation>Bereich wiederholen</translation></message>
    <message><source>Makes</source><translation>Erzeugt</translation></message>
    <message><source>Match</source><translation>Angleichen</translation></message>
    <message><source>More for this lane</source><translation>Mehr für diese Spur</translation></message>
    <message><source>Mute</source><translation>Stumm</translation></message>
    <message><source>Mute the lane</source><translation>Spur stumm</translation></message>
    <message><source>Mute this lane (M)</source><translation>Diese Spur stumm (M)</translation></message>
    <message><source>Name</source><translation>Name</translation></message>
    <message><source>Name of the lane</source><translation>Name der Spur</translation></message>
    <message><source>No mix yet</source><translation>Noch kein Mix</translation></message>
    <message><source>No output device was found: all works, but nothing can be heard.</source><translation>Kein Ausgabegerät gefunden: alles geht, aber nichts ist zu hören.</translation></message>
    <message><source>Not saved yet</source><translation>Noch nicht gesichert</translation></message>
    <message><source>OSC bridge</source><translation>OSC-Brücke</translation></message>
    <message><source>OSC: could not start</source><translation>OSC: ließ sich nicht starten</translation></message>
    <message><source>OSC: off</source><translation>OSC: aus</translation></message>
    <message><source>OSC: starting</source><translation>OSC: beginnt</translation></message>
    <message><source>Off</source><translation>Aus</translation></message>
    <message><source>On a second</source><translation>Eine Sekunde weiter</translation></message>
    <message><source>Open a file …</source><translation>Datei öffnen …</translation></message>
    <message><source>Open a mix or a project</source><translation>Mix oder Projekt öffnen</translation></message>
    <message><source>Open folder of the lane</source><translation>Ordner der Spur öffnen</translation></message>
    <message><source>Open in folder</source><translation>Im Ordner zeigen</translation></message>
    <message><source>Open the demo mix</source><translation>Demo-Mix öffnen</translation></message>
    <message><source>Open this clip here</source><translation>Diesen Clip hier öffnen</translation></message>
    <message><source>Open …</source><translation>Öffnen …</translation></message>
    <message><source>Original</source><translation>Original</translation></message>
    <message><source>Output</source><translation>Ausgabe</translation></message>
    <message><source>Pan</source><translation>Panorama</translation></message>
    <message><source>Pictures, videos, sounds</source><translation>Bilder, Videos, Klänge</translation></message>
    <message><source>Play both sides equally loud, so that louder does not sound better</source><translation>Beide Seiten gleich laut spielen, damit lauter nicht besser klingt</translation></message>
    <message><source>Play or pause</source><translation>Wiedergabe oder Pause</translation></message>
    <message><source>Play something, and this says how soon a change is heard.</source><translation>Nach dem ersten Abspielen steht hier, wie schnell eine Änderung zu hören ist.</translation></message>
    <message><source>Playback position</source><translation>Abspielposition</translation></message>
    <message><source>Press to look for it no longer</source><translation>Drücken, um nicht mehr danach zu suchen</translation></message>
    <message><source>Programs on this machine can send clips and get files back.</source><translation>Programme auf diesem Rechner können Clips schicken und Dateien zurückbekommen.</translation></message>
    <message><source>Progress</source><translation>Fortschritt</translation></message>
    <message><source>Prompt</source><translation>Eingabe</translation></message>
    <message><source>Pull a lane by its handle into your DAW: it is a real file.</source><translation>Eine Spur am Griff in die DAW ziehen: es ist eine echte Datei.</translation></message>
    <message><source>Put it into the queue (Ctrl+Return)</source><translation>In die Warteschlange stellen (Strg+Eingabe)</translation></message>
    <message><source>Queue</source><translation>Warteschlange</translation></message>
    <message><source>Quit</source><translation>Beenden</translation></message>
    <message><source>Redo</source><translation>Wiederholen</translation></message>
    <message><source>Regenerate</source><translation>Neu spielen</translation></message>
    <message><source>Regions</source><translation>Bereiche</translation></message>
    <message><source>Regions begin and end where the sound goes through zero</source><translation>Bereiche beginnen und enden im Nulldurchgang</translation></message>
    <message><source>Remove</source><translation>Entfernen</translation></message>
    <message><source>Remove from the list</source><translation>Aus der Liste nehmen</translation></message>
    <message><source>Remove lane</source><translation>Spur entfernen</translation></message>
    <message><source>Remove the lane</source><translation>Spur entfernen</translation></message>
    <message><source>Removed</source><translation>Entfernt</translation></message>
    <message><source>Rename</source><translation>Umbenennen</translation></message>
    <message><source>Rename …</source><translation>Umbenennen …</translation></message>
    <message><source>Replace</source><translation>Ersetzen</translation></message>
    <message><source>Report</source><translation>Bericht</translation></message>
    <message><source>Restyle</source><translation>Umgestalten</translation></message>
    <message><source>Same seed, same result on the same device</source><translation>Gleiche Zahl, gleiches Ergebnis auf gleichem Gerät</translation></message>
    <message><source>Save</source><translation>Sichern</translation></message>
    <message><source>Save as …</source><translation>Sichern als …</translation></message>
    <message><source>Save the project</source><translation>Projekt sichern</translation></message>
    <message><source>Save the project before going on?</source><translation>Das Projekt vorher sichern?</translation></message>
    <message><source>Say what you want to hear</source><translation>Sagen, was zu hören sein soll</translation></message>
    <message><source>Scroll in time</source><translation>In der Zeit blättern</translation></message>
    <message><source>Seconds</source><translation>Sekunden</translation></message>
    <message><source>Seconds to make</source><translation>Sekunden, die entstehen sollen</translation></message>
    <message><source>Seed</source><translation>Zufallszahl</translation></message>
    <message><source>Seed, steps, guidance, candidates, what is made, bundle, device (Ctrl+.)</source><translation>Zufallszahl, Schritte, Führung, Varianten, was entsteht, Modell, Gerät (Strg+.)</translation></message>
    <message><source>Select all</source><translation>Alles auswählen</translation></message>
    <message><source>Select nothing</source><translation>Nichts auswählen</translation></message>
    <message><source>Send back to the DAW</source><translation>Zurück an die DAW</translation></message>
    <message><source>Send the lane back to the DAW</source><translation>Spur zurück an die DAW senden</translation></message>
    <message><source>Sent by a DAW over OSC</source><translation>Von einer DAW über OSC geschickt</translation></message>
    <message><source>Settings</source><translation>Einstellungen</translation></message>
    <message><source>Settings …</source><translation>Einstellungen …</translation></message>
    <message><source>Show the spectrogram</source><translation>Spektrogramm zeigen</translation></message>
    <message><source>Snap</source><translation>Einrasten</translation></message>
    <message><source>Solo</source><translation>Solo</translation></message>
    <message><source>Solo and mute</source><translation>Solo und Stumm</translation></message>
    <message><source>Solo the lane</source><translation>Spur solo</translation></message>
    <message><source>Sound</source><translation>Klang</translation></message>
    <message><source>Spectrogram</source><translation>Spektrogramm</translation></message>
    <message><source>Stems</source><translation>Spuren</translation></message>
    <message><source>Stems, each in a file of its own</source><translation>Spuren, jede in ihrer eigenen Datei</translation></message>
    <message><source>Steps</source><translation>Schritte</translation></message>
    <message><source>Steps of the sampler; more take longer</source><translation>Schritte des Samplers; mehr dauern länger</translation></message>
    <message><source>Strength</source><translation>Stärke</translation></message>
    <message><source>Take</source><translation>Take</translation></message>
    <message><source>Take everything that ended off the list</source><translation>Alles Beendete aus der Liste nehmen</translation></message>
    <message><source>Task</source><translation>Aufgabe</translation></message>
    <message><source>The bundle {bundle} takes words only; choose another one under Advanced to use examples</source><translation>Das Modell {bundle} nimmt nur Worte; für Beispiele unter „Mehr“ ein anderes wählen</translation></message>
    <message><source>The lanes that are heard (2)</source><translation>Die hörbaren Spuren (2)</translation></message>
    <message><source>The mix</source><translation>Den Mix</translation></message>
    <message><source>The mix as it was (1)</source><translation>Der Mix, wie er war (1)</translation></message>
    <message><source>The mix without the ticked stems</source><translation>Der Mix ohne die angekreuzten Spuren</translation></message>
    <message><source>The model that does it; more under Settings</source><translation>Das Modell, das es tut; mehr in den Einstellungen</translation></message>
    <message><source>The model's own audio</source><translation>Klang des Modells</translation></message>
    <message><source>The others</source><translation>Die anderen</translation></message>
    <message><source>The region that is worked on; press to work on all of it (Esc)</source><translation>Der bearbeitete Bereich; drücken, um alles zu bearbeiten (Esc)</translation></message>
    <message><source>The status line says what really ran</source><translation>Die Statuszeile sagt, was wirklich lief</translation></message>
    <message><source>The stem</source><translation>Die Spur</translation></message>
    <message><source>The whole</source><translation>Das Ganze</translation></message>
    <message><source>Theme</source><translation>Farbschema</translation></message>
    <message><source>This machine</source><translation>Dieser Rechner</translation></message>
    <message><source>This machine only</source><translation>Nur dieser Rechner</translation></message>
    <message><source>This network</source><translation>Dieses Netz</translation></message>
    <message><source>Tick all</source><translation>Alle ankreuzen</translation></message>
    <message><source>Time</source><translation>Zeit</translation></message>
    <message><source>Timeline</source><translation>Zeitachse</translation></message>
    <message><source>To the start</source><translation>Zum Anfang</translation></message>
    <message><source>Trained on</source><translation>Trainiert mit</translation></message>
    <message><source>Try the demo mix</source><translation>Den Demo-Mix probieren</translation></message>
    <message><source>Type an instrument, as drum kit, and press Return.</source><translation>Ein Instrument eintippen, etwa drum kit, und Eingabe drücken.</translation></message>
    <message><source>Undo</source><translation>Rückgängig</translation></message>
    <message><source>Use this one</source><translation>Dieses benutzen</translation></message>
    <message><source>Verify</source><translation>Prüfen</translation></message>
    <message><source>Versions with seeds in a row, as takes of one lane, the best first</source><translation>Fassungen mit aufeinanderfolgenden Startwerten, als Takes einer Spur, die beste zuerst</translation></message>
    <message><source>Volume</source><translation>Lautstärke</translation></message>
    <message><source>Volume of the loudspeakers; files are not touched</source><translation>Lautstärke der Lautsprecher; Dateien bleiben, wie sie sind</translation></message>
    <message><source>Waveform</source><translation>Wellenform</translation></message>
    <message><source>Waveform of</source><translation>Wellenform von</translation></message>
    <message><source>Waveform of the mix</source><translation>Wellenform des Mixes</translation></message>
    <message><source>Waveform or spectrogram (W)</source><translation>Wellenform oder Spektrogramm (W)</translation></message>
    <message><source>Waveforms and decoded audio</source><translation>Wellenformen und dekodiertes Audio</translation></message>
    <message><source>What comes instead</source><translation>Was stattdessen kommt</translation></message>
    <message><source>What is heard, as one file</source><translation>Das Hörbare als eine Datei</translation></message>
    <message><source>What is made: a stem, the whole mix, or what plays beside a stem (Ctrl+Shift+M)</source><translation>Was entsteht: eine Spur, der ganze Mix oder was neben einer Spur spielt (Strg+Umschalt+M)</translation></message>
    <message><source>What is played goes there</source><translation>Dorthin geht, was gespielt wird</translation></message>
    <message><source>What is to be done (Ctrl+T)</source><translation>Was zu tun ist (Strg+T)</translation></message>
    <message><source>What the others play, where that helps</source><translation>Was die anderen spielen, wo das hilft</translation></message>
    <message><source>What the stem plays, where that helps</source><translation>Was die Spur spielt, wo das hilft</translation></message>
    <message><source>What the whole sounds like, where that helps</source><translation>Wie das Ganze klingt, wo das hilft</translation></message>
    <message><source>What to look for</source><translation>Wonach gesucht wird</translation></message>
    <message><source>What to put in the place of the first</source><translation>Was an die Stelle des ersten kommt</translation></message>
    <message><source>What was taken out: the mix minus the lanes that are heard (3)</source><translation>Was herausgenommen wurde: der Mix ohne die hörbaren Spuren (3)</translation></message>
    <message><source>What went wrong</source><translation>Was schiefging</translation></message>
    <message><source>What you ask for appears here, and so does what your DAW sends over OSC.</source><translation>Hier erscheint, worum Sie bitten, und was Ihre DAW über OSC schickt.</translation></message>
    <message><source>Where it runs; the status line says where it really ran</source><translation>Wo es läuft; die Statuszeile sagt, wo es wirklich lief</translation></message>
    <message><source>Whether the words or the examples count for more</source><translation>Ob die Worte oder die Beispiele mehr zählen</translation></message>
    <message><source>Which take is heard; every take is kept. The figure: how well it fits, -1 to 1</source><translation>Welcher Take zu hören ist; alle bleiben erhalten. Die Zahl: wie gut er passt, -1 bis 1</translation></message>
    <message><source>Words</source><translation>Worte</translation></message>
    <message><source>Words or examples</source><translation>Worte oder Beispiele</translation></message>
    <message><source>Works on</source><translation>Arbeitet an</translation></message>
    <message><source>Write a prompt</source><translation>Eingabe schreiben</translation></message>
    <message><source>Your own audio, filtered</source><translation>Ihr eigenes Audio, gefiltert</translation></message>
    <message><source>a few words</source><translation>ein paar Worte</translation></message>
    <message><source>added file</source><translation>hinzugefügte Datei</translation></message>
    <message><source>all new</source><translation>ganz neu</translation></message>
    <message><source>all of them</source><translation>alle um</translation></message>
    <message><source>as it was</source><translation>wie es war</translation></message>
    <message><source>as the bundle likes</source><translation>wie das Modell es mag</translation></message>
    <message><source>as usual</source><translation>wie üblich</translation></message>
    <message><source>as: piano and drums</source><translation>etwa: Klavier und Schlagzeug</translation></message>
    <message><source>as: slow jazz trio</source><translation>etwa: langsames Jazztrio</translation></message>
    <message><source>as: violin</source><translation>etwa: Geige</translation></message>
    <message><source>autosave does not work ({0}); make room in {1}, or save often</source><translation>das automatische Sichern geht nicht ({0}); schaffen Sie Platz in {1}, oder sichern Sie oft</translation></message>
    <message><source>building the TensorRT engine, which takes minutes the first time</source><translation>baut die TensorRT-Engine, was beim ersten Mal Minuten dauert</translation></message>
    <message><source>cancelled</source><translation>abgebrochen</translation></message>
    <message><source>cannot keep a copy of {0} in {1} ({2}); make room on that disk and open it again</source><translation>von {0} lässt sich in {1} keine Kopie behalten ({2}); schaffen Sie auf dieser Platte Platz, und öffnen Sie es noch einmal</translation></message>
    <message><source>cannot write to the cache {0} ({1}); make room</source><translation>in den Zwischenspeicher {0} lässt sich nicht schreiben ({1}); schaffen Sie Platz</translation></message>
    <message><source>cannot write to {0} ({1}); make room there</source><translation>in {0} lässt sich nicht schreiben ({1}); schaffen Sie dort Platz</translation></message>
    <message><source>cannot write to {0} ({1}); make room there or choose another folder</source><translation>in {0} lässt sich nicht schreiben ({1}); schaffen Sie dort Platz, oder wählen Sie einen anderen Ordner</translation></message>
    <message><source>change a colour</source><translation>Farbe ändern</translation></message>
    <message><source>channels</source><translation>Kanäle</translation></message>
    <message><source>choose a take of</source><translation>Take wählen bei</translation></message>
    <message><source>done</source><translation>fertig</translation></message>
    <message><source>failed</source><translation>fehlgeschlagen</translation></message>
    <message><source>file written</source><translation>Datei geschrieben</translation></message>
    <message><source>files written</source><translation>Dateien geschrieben</translation></message>
    <message><source>fill a span of a stem, keeping what is outside</source><translation>einen Bereich einer Spur füllen und den Rest behalten</translation></message>
    <message><source>filtering your audio</source><translation>filtert Ihren Ton</translation></message>
    <message><source>gain of</source><translation>Pegel von</translation></message>
    <message><source>give the mix without the named stem</source><translation>den Mix ohne die genannte Spur geben</translation></message>
    <message><source>go on after the end of a stem</source><translation>nach dem Ende einer Spur weiterspielen</translation></message>
    <message><source>heard</source><translation>gehört</translation></message>
    <message><source>in use</source><translation>belegt</translation></message>
    <message><source>internal error ({0}); please report it with the log</source><translation>interner Fehler ({0}); bitte melden Sie ihn mit dem Protokoll</translation></message>
    <message><source>left</source><translation>übrig</translation></message>
    <message><source>listening to it</source><translation>hört hinein</translation></message>
    <message><source>looking at the examples</source><translation>sieht die Beispiele an</translation></message>
    <message><source>looking …</source><translation>sehe nach …</translation></message>
    <message><source>make a new stem that fits the given rest</source><translation>eine neue Spur machen, die zum Rest passt</translation></message>
    <message><source>make a stem for each prompt, each to go with those before it</source><translation>zu jeder Angabe eine Spur machen, jede passend zu den vorigen</translation></message>
    <message><source>make a stem from the prompt alone</source><translation>eine Spur allein aus der Angabe machen</translation></message>
    <message><source>making it sound</source><translation>macht es hörbar</translation></message>
    <message><source>mono</source><translation>mono</translation></message>
    <message><source>mute</source><translation>stumm</translation></message>
    <message><source>no stem is chosen; tick at least one</source><translation>keine Spur ist gewählt; haken Sie mindestens eine an</translation></message>
    <message><source>nothing but the prompt</source><translation>nichts als den Worten</translation></message>
    <message><source>nothing is heard; unmute a lane first</source><translation>es ist nichts zu hören; heben Sie zuerst eine Stummschaltung auf</translation></message>
    <message><source>null</source><translation>Null</translation></message>
    <message><source>one stem after the other, as: drums, bass, piano</source><translation>eine Spur nach der anderen, etwa: Schlagzeug, Bass, Klavier</translation></message>
    <message><source>opening the bundle</source><translation>öffnet das Modell</translation></message>
    <message><source>opening this file needs {0} MB in {1}, and {2} MB are free; clean the cache in the settings or make room</source><translation>diese Datei zu öffnen braucht {0} MB in {1}, und {2} MB sind frei; räumen Sie in den Einstellungen den Zwischenspeicher auf, oder schaffen Sie Platz</translation></message>
    <message><source>opening {0}</source><translation>öffne {0}</translation></message>
    <message><source>pan of</source><translation>Panorama von</translation></message>
    <message><source>path copied</source><translation>Pfad kopiert</translation></message>
    <message><source>pictures</source><translation>Bilder</translation></message>
    <message><source>play a stem anew, as near to the old one as you like</source><translation>eine Spur neu spielen, so nah an der alten, wie Sie wollen</translation></message>
    <message><source>playing stopped, the audio could not be read ({0})</source><translation>die Wiedergabe hielt an, der Ton ließ sich nicht lesen ({0})</translation></message>
    <message><source>preparing</source><translation>bereitet vor</translation></message>
    <message><source>process</source><translation>Prozess</translation></message>
    <message><source>put another sound in the place of one in the mix</source><translation>einen Klang im Mix durch einen anderen ersetzen</translation></message>
    <message><source>reading the audio</source><translation>liest den Ton</translation></message>
    <message><source>ready</source><translation>bereit</translation></message>
    <message><source>rename</source><translation>umbenennen</translation></message>
    <message><source>running</source><translation>läuft</translation></message>
    <message><source>saved {0}</source><translation>{0} gesichert</translation></message>
    <message><source>say in a few words what to look for, for example violin</source><translation>sagen Sie in ein paar Worten, was gesucht wird, etwa violin</translation></message>
    <message><source>say what to put in its place too, for example trumpet</source><translation>sagen Sie auch, was an seine Stelle kommt, etwa trumpet</translation></message>
    <message><source>seems not to be there</source><translation>scheint nicht da zu sein</translation></message>
    <message><source>sent back to the DAW</source><translation>an die DAW zurückgesandt</translation></message>
    <message><source>showing the result</source><translation>zeigt das Ergebnis</translation></message>
    <message><source>so that nothing clips</source><translation>damit nichts übersteuert</translation></message>
    <message><source>solo</source><translation>solo</translation></message>
    <message><source>sound cannot be played ({0}); plug in or choose an output device in the settings, all else works</source><translation>es lässt sich nichts abspielen ({0}); schließen Sie ein Gerät an, oder wählen Sie eines in den Einstellungen, alles andere geht</translation></message>
    <message><source>sound cannot be played: PortAudio is missing; on Debian and Ubuntu install libportaudio2</source><translation>es lässt sich nichts abspielen: PortAudio fehlt; installieren Sie unter Debian und Ubuntu libportaudio2</translation></message>
    <message><source>sounds</source><translation>Klänge</translation></message>
    <message><source>starting</source><translation>beginnt</translation></message>
    <message><source>stereo</source><translation>stereo</translation></message>
    <message><source>stopping</source><translation>hält an</translation></message>
    <message><source>sums to the mix exactly</source><translation>ergibt genau den Mix</translation></message>
    <message><source>take the named stem out of the mix</source><translation>die genannte Spur aus dem Mix holen</translation></message>
    <message><source>the audio device is gone; playing goes on through {0}</source><translation>das Audiogerät ist weg; weiter geht es über {0}</translation></message>
    <message><source>the audio device is gone; plug it in again or choose another one in the settings</source><translation>das Audiogerät ist weg; schließen Sie es wieder an, oder wählen Sie ein anderes in den Einstellungen</translation></message>
    <message><source>the audio of {0} could not be copied ({1}); make room</source><translation>der Ton von {0} ließ sich nicht kopieren ({1}); schaffen Sie Platz</translation></message>
    <message><source>the audio of {0} is gone from the disk; make it again</source><translation>der Ton von {0} ist nicht mehr auf der Platte; erzeugen Sie ihn neu</translation></message>
    <message><source>the audio of {0} is gone; put the folder {1} back beside it</source><translation>der Ton von {0} ist weg; legen Sie den Ordner {1} wieder daneben</translation></message>
    <message><source>the audio {0}… of this project is gone; put its folder back beside it</source><translation>der Ton {0}… dieses Projekts ist weg; legen Sie seinen Ordner wieder daneben</translation></message>
    <message><source>the bridge is off; switch it on in the settings, then send it back again</source><translation>die Brücke ist aus; schalten Sie sie in den Einstellungen ein und senden Sie dann noch einmal zurück</translation></message>
    <message><source>the bridge needs the extra osc ({0}); install it and try again</source><translation>die Brücke braucht das Extra osc ({0}); installieren Sie es und versuchen Sie es noch einmal</translation></message>
    <message><source>the bundle {0} takes no {1}; choose another bundle, or say it in words instead</source><translation>das Modell {0} nimmt keine {1}; wählen Sie ein anderes, oder sagen Sie es mit Worten</translation></message>
    <message><source>the clip of this job is gone; send it again from the DAW</source><translation>der Clip dieses Auftrags ist weg; schicken Sie ihn noch einmal aus der DAW</translation></message>
    <message><source>the decoded audio is gone from the cache; open the file again</source><translation>der Ton ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the demo mix is not part of this installation; open a file of your own</source><translation>der Demo-Mix gehört nicht zu dieser Installation; öffnen Sie eine eigene Datei</translation></message>
    <message><source>the mix</source><translation>dem Mix</translation></message>
    <message><source>the name template leaves no name; write at least one letter into it</source><translation>die Namensvorlage ergibt keinen Namen; schreiben Sie mindestens einen Buchstaben hinein</translation></message>
    <message><source>the name template {0} cannot be used ({1}); allowed are {2}</source><translation>die Namensvorlage {0} geht nicht ({1}); erlaubt sind {2}</translation></message>
    <message><source>the new mix comes muted, for its stems are heard; press S to hear it alone</source><translation>der neue Mix kommt stumm, denn seine Spuren sind zu hören; S spielt ihn allein</translation></message>
    <message><source>the others</source><translation>die anderen</translation></message>
    <message><source>the project could not be saved to {0} ({1}); nothing of the old one was changed, save it to another folder</source><translation>das Projekt ließ sich nicht nach {0} sichern ({1}); am alten ist nichts verändert, sichern Sie es in einem anderen Ordner</translation></message>
    <message><source>the spectrogram is gone from the cache; open the file again</source><translation>das Spektrogramm ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the waveform is gone from the cache; open the file again</source><translation>die Wellenform ist nicht mehr im Zwischenspeicher; öffnen Sie die Datei noch einmal</translation></message>
    <message><source>the whole mix</source><translation>der ganze Mix</translation></message>
    <message><source>there is no file {0}; it may have been moved or deleted</source><translation>es gibt keine Datei {0}; vielleicht wurde sie verschoben oder gelöscht</translation></message>
    <message><source>there is no sound in {0}; choose a file with an audio track</source><translation>in {0} ist kein Ton; wählen Sie eine Datei mit Tonspur</translation></message>
    <message><source>they sum to the mix exactly</source><translation>zusammen ergeben sie genau den Mix</translation></message>
    <message><source>this lane is gone; choose another one</source><translation>diese Spur ist weg; wählen Sie eine andere</translation></message>
    <message><source>this project did not come from a DAW; drag the lane into it instead</source><translation>dieses Projekt kam nicht aus einer DAW; ziehen Sie die Spur stattdessen hinein</translation></message>
    <message><source>this project has no file yet; choose a name for it</source><translation>dieses Projekt hat noch keine Datei; geben Sie ihm einen Namen</translation></message>
    <message><source>this project has no mix to take something from; choose the stems instead</source><translation>dieses Projekt hat keinen Mix, aus dem etwas zu nehmen wäre; wählen Sie stattdessen die Spuren</translation></message>
    <message><source>untitled</source><translation>ohne Titel</translation></message>
    <message><source>videos</source><translation>Videos</translation></message>
    <message><source>violin, drum kit, bass guitar …</source><translation>violin, drum kit, bass guitar …</translation></message>
    <message><source>waiting</source><translation>wartet</translation></message>
    <message><source>waiting for the engine</source><translation>wartet auf die Engine</translation></message>
    <message><source>what comes instead, as: trumpet</source><translation>was stattdessen kommt, etwa: Trompete</translation></message>
    <message><source>what goes on, as: synth bass</source><translation>was weitergeht, etwa: synth bass</translation></message>
    <message><source>what is to be made, as: a slow cello line</source><translation>was entstehen soll, etwa: a slow cello line</translation></message>
    <message><source>what is to be played instead, as: electric guitar</source><translation>was stattdessen spielen soll, etwa: electric guitar</translation></message>
    <message><source>what is to go, as: violin</source><translation>was weg soll, etwa: Geige</translation></message>
    <message><source>what is to go, as: vocals</source><translation>was weg soll, etwa: vocals</translation></message>
    <message><source>what is to play it, as: trumpet</source><translation>was es spielen soll, etwa: Trompete</translation></message>
    <message><source>what plays in the region, as: piano</source><translation>was im Bereich spielt, etwa: piano</translation></message>
    <message><source>working it out</source><translation>arbeitet es aus</translation></message>
    <message><source>writing the files</source><translation>schreibt die Dateien</translation></message>
    <message><source>{0} cannot be opened ({1}); check that it is there</source><translation>{0} lässt sich nicht öffnen ({1}); sehen Sie nach, ob es da ist</translation></message>
    <message><source>{0} cannot be read ({1}); convert it to WAV or FLAC</source><translation>{0} lässt sich nicht lesen ({1}); wandeln Sie es in WAV oder FLAC um</translation></message>
    <message><source>{0} did not work: {1}</source><translation>{0} ging nicht: {1}</translation></message>
    <message><source>{0} fills a region; drag over the waveform to choose one</source><translation>{0} füllt einen Bereich; ziehen Sie über die Wellenform, um einen zu wählen</translation></message>
    <message><source>{0} has a sample rate of {1} Hz; allowed are {2} to {3} Hz</source><translation>{0} hat eine Abtastrate von {1} Hz; erlaubt sind {2} bis {3} Hz</translation></message>
    <message><source>{0} has {1} channels; at most {2} are allowed, so split it</source><translation>{0} hat {1} Kanäle; erlaubt sind höchstens {2}, teilen Sie es also auf</translation></message>
    <message><source>{0} holds samples that are no numbers; export it again from its source</source><translation>{0} enthält Werte, die keine Zahlen sind; exportieren Sie es neu aus seiner Quelle</translation></message>
    <message><source>{0} holds ten thousand files called {1}; choose another name</source><translation>in {0} gibt es zehntausend Dateien namens {1}; wählen Sie einen anderen Namen</translation></message>
    <message><source>{0} is damaged ({1}); an older copy of it may still be good</source><translation>{0} ist beschädigt ({1}); eine ältere Kopie ist vielleicht noch gut</translation></message>
    <message><source>{0} is empty (0 bytes); choose a file with sound in it</source><translation>{0} ist leer (0 Bytes); wählen Sie eine Datei mit Ton</translation></message>
    <message><source>{0} is longer than {1} hours; cut it into parts and open one of them</source><translation>{0} ist länger als {1} Stunden; zerschneiden Sie es, und öffnen Sie einen der Teile</translation></message>
    <message><source>{0} is no picture, video or sound; drop one of these to say what to look for</source><translation>{0} ist weder Bild noch Video noch Klang; legen Sie eines davon ab, um zu sagen, was gesucht wird</translation></message>
    <message><source>{0} is not a Fluxstem project; choose a {1} file</source><translation>{0} ist kein Fluxstem-Projekt; wählen Sie eine {1}-Datei</translation></message>
    <message><source>{0} is not a file; drop an audio or video file</source><translation>{0} ist keine Datei; legen Sie eine Audio- oder Videodatei ab</translation></message>
    <message><source>{0} is not audio that can be read ({1}); convert it to WAV</source><translation>{0} ist kein lesbarer Ton ({1}); wandeln Sie es in WAV um</translation></message>
    <message><source>{0} is open in another Fluxstem window (process {1}); close it there, or save yours under another name</source><translation>{0} ist in einem anderen Fluxstem-Fenster offen (Prozess {1}); schließen Sie es dort, oder sichern Sie Ihres unter anderem Namen</translation></message>
    <message><source>{0} is too large to be a project; choose a {1} file</source><translation>{0} ist zu groß für ein Projekt; wählen Sie eine {1}-Datei</translation></message>
    <message><source>{0} may not be read; change its permissions or copy it to a folder of yours</source><translation>{0} darf nicht gelesen werden; ändern Sie die Rechte, oder kopieren Sie es in einen eigenen Ordner</translation></message>
    <message><source>{0} may not be written to</source><translation>in {0} darf nicht geschrieben werden</translation></message>
    <message><source>{0} may not be written to ({1}); autosave needs it</source><translation>in {0} darf nicht geschrieben werden ({1}); das automatische Sichern braucht es</translation></message>
    <message><source>{0} may not be written to; save the project in another folder</source><translation>in {0} darf nicht geschrieben werden; sichern Sie das Projekt in einem anderen Ordner</translation></message>
    <message><source>{0} needs PyAV to be read; install the extra desktop, or convert it to WAV</source><translation>{0} lässt sich nur mit PyAV lesen; installieren Sie das Extra desktop, oder wandeln Sie es in WAV um</translation></message>
    <message><source>{0} needs a mix; open or drop an audio file first</source><translation>{0} braucht einen Mix; öffnen Sie zuerst eine Audiodatei oder legen Sie eine ab</translation></message>
    <message><source>{0} was written by a newer Fluxstem (format {1}); update this one</source><translation>{0} stammt von einem neueren Fluxstem (Format {1}); bringen Sie dieses auf den neuesten Stand</translation></message>
    <message><source>{0}, open to the network</source><translation>{0}, offen für das Netz</translation></message>
    <message><source>{0}: every file is as its maker left it</source><translation>{0}: jede Datei ist so, wie ihr Hersteller sie hinterließ</translation></message>
    <message><source>{count} output devices found.</source><translation>{count} Ausgabegeräte gefunden.</translation></message>
</context>
</TS>
