"""Images, videos and audio files as prompts.

``reference`` reads how a request names one; ``sandbox`` starts ``decoder`` in a process of its own, where ``image``,
``video`` and ``audio`` open the file; ``encoders`` turns what comes back into embeddings.
"""
